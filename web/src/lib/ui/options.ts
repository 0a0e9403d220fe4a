/** One choice of a picker or of the command palette. */
import type { IconName } from './icons';

export interface Option {
  value: string;
  label: string;
  hint?: string;
  /** Further words the search finds it by. */
  words?: string;
  icon?: IconName;
  colour?: string;
  keys?: string;
  group?: string;
}

const fold = (text: string) => text.toLocaleLowerCase().replaceAll('ё', 'е');

/** Where `word` begins a word of `text`; -1 when nowhere. */
function beginning(text: string, word: string): number {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!/[\p{L}\p{N}]/u.test(text.charAt(at - 1))) return at;
  }
  return -1;
}

/** Those whose words begin with every word of the query, best first: label before other words, early before late. */
export function match<T extends Option>(options: readonly T[], query: string): T[] {
  const words = fold(query).split(/\s+/).filter(Boolean);
  if (!words.length) return [...options];
  const found: { option: T; rank: number }[] = [];
  for (const option of options) {
    const label = ` ${fold(option.label)}`;
    const rest = ` ${fold(`${option.hint ?? ''} ${option.words ?? ''}`)}`;
    let rank = 0;
    for (const word of words) {
      const at = beginning(label, word);
      if (at >= 0) rank += at;
      else if (label.includes(word)) rank += 200;
      else if (rest.includes(word)) rank += 400;
      else { rank = -1; break; }
    }
    if (rank >= 0) found.push({ option, rank });
  }
  return found.sort((a, b) => a.rank - b.rank).map((x) => x.option);
}

/** Brings those of one group together, at the place of the group's first. */
export function gather<T extends Option>(options: readonly T[]): T[] {
  const groups = new Map<string | undefined, T[]>();
  for (const option of options) {
    const group = groups.get(option.group);
    if (group) group.push(option);
    else groups.set(option.group, [option]);
  }
  return [...groups.values()].flat();
}
