/** The address after `#`: `#/settings/tags?new=1` is the parts ["settings", "tags"] and its query. */
export interface Address { parts: string[]; query: URLSearchParams }

export function parse(hash: string): Address {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return { parts: path.split('/').filter(Boolean).map((part) => { try { return decodeURIComponent(part); } catch { return part; } }), query: new URLSearchParams(query) };
}
