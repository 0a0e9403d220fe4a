/** The address after `#`: `#/settings/tags?new=1` is the parts ["settings", "tags"] and its query. */
function parse(hash: string): { parts: string[]; query: URLSearchParams } {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return { parts: path.split('/').filter(Boolean).map((part) => { try { return decodeURIComponent(part); } catch { return part; } }), query: new URLSearchParams(query) };
}

let current = $state.raw(parse(location.hash));
addEventListener('hashchange', () => { current = parse(location.hash); });

export const route = {
  get parts(): readonly string[] { return current.parts; },
  get query(): URLSearchParams { return current.query; },
};

export const href = (...parts: readonly (string | number)[]): string => `#/${parts.map((part) => encodeURIComponent(part)).join('/')}`;

/** Shows the page of `hash` and leaves the address as it is, for whoever brings that up to date later. */
export function show(hash: string): void { current = parse(hash); }

/** Goes to `hash`; with `replace` the present entry of the history is given up (secrets leave the address bar this way). */
export function go(hash: string, replace = false): void {
  if (replace) {
    history.replaceState(null, '', hash);
    current = parse(hash);
  } else location.hash = hash;
}
