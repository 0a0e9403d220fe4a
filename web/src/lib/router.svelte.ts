import { parse } from './address';

let current = $state.raw(parse(location.hash));
/** The address under a page that is shown before its own stands in the bar. */
let left: string | undefined;
// News of an address that was left meanwhile comes too late.
addEventListener('hashchange', () => { if (location.hash !== left) { left = undefined; current = parse(location.hash); } });

export const route = {
  get parts(): readonly string[] { return current.parts; },
  get query(): URLSearchParams { return current.query; },
};

export const href = (...parts: readonly (string | number)[]): string => `#/${parts.map((part) => encodeURIComponent(part)).join('/')}`;

/** Shows the page of `hash` at once; browsers take their time over the address, which follows with `settle`. */
export function show(hash: string): void {
  left = location.hash;
  current = parse(hash);
}

/** Puts the address of the page that is shown into the bar, unless somebody has gone elsewhere. */
export function settle(hash: string): void {
  if (left !== undefined && location.hash === left) history.replaceState(null, '', hash);
  left = undefined;
}

/** Goes to `hash`; with `replace` the present entry of the history is given up (secrets leave the address bar this way). */
export function go(hash: string, replace = false): void {
  if (replace) {
    history.replaceState(null, '', hash);
    current = parse(hash);
  } else location.hash = hash;
}
