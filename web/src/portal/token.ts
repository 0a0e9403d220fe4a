/**
 * The client token: taken out of the address at once, so that it reaches no history, Referer or screenshot, and kept in
 * this browser. An embedded page keeps it for the tab only: the frame's parent hands a fresh one at each visit.
 */
const name = 'tp.ctoken';
let kept = '';

/** The token in a link to the portal or by itself; empty when there is none. */
export function tokenIn(text: string): string {
  return /(?:^|[?&#]ctoken=|\s)(ct_[\w-]+(?:\.[\w-]+)*)/.exec(text.trim())?.[1] ?? '';
}

function storages(embedded: boolean): Storage[] {
  const found: Storage[] = [];
  for (const open of embedded ? [() => sessionStorage] : [() => sessionStorage, () => localStorage]) {
    try { found.push(open()); } catch { /* blocked for this frame: the token lives as long as the page */ }
  }
  return found;
}

export function keepToken(token: string, embedded: boolean): void {
  kept = token;
  for (const storage of storages(embedded)) {
    try { storage.setItem(name, token); } catch { /* full or blocked: as above */ }
  }
}

export function forgetToken(embedded: boolean): void {
  kept = '';
  for (const storage of storages(embedded)) storage.removeItem(name);
}

const stored = (embedded: boolean): string => storages(embedded).reduce((found, storage) => found || (storage.getItem(name) ?? ''), '');
const given = (): string | null => new URLSearchParams(location.search).get('ctoken');

/** The token that `findToken` will find. */
export const tokenAtHand = (embedded: boolean): string => given() || stored(embedded);

/** Reads the token from the address (and cleans it), else from where an earlier visit left it. */
export function findToken(embedded: boolean): string {
  const token = given();
  if (token !== null) {
    const url = new URL(location.href);
    url.searchParams.delete('ctoken');
    history.replaceState(history.state, '', url);
    if (token) keepToken(token, embedded);
  }
  kept ||= stored(embedded);
  return kept;
}

export const currentToken = (): string => kept;
