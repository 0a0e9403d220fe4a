/** What keys do to the text that is written, besides typing: pure, so that each is tested without a page. */
import type { Mark, Selection } from '../kb/marks';

/** The marks that have a key. Without chosen words Ctrl+K stays the key of the palette. */
export const markKeys: Readonly<Record<string, Mark>> = {
  'Mod+KeyB': 'bold', 'Mod+KeyI': 'italic', 'Mod+KeyE': 'code', 'Mod+KeyK': 'link', 'Mod+Shift+Digit7': 'steps', 'Mod+Shift+Digit8': 'list', 'Mod+Shift+Digit9': 'quote',
};
export const markKey = (kind: Mark): string | undefined => Object.entries(markKeys).find(([, x]) => x === kind)?.[0];

/** Enter within a list: begins its next line, or ends the list where the line is empty. Undefined outside of lists. */
export function nextLine({ text, from, to }: Selection): Selection | undefined {
  const start = text.lastIndexOf('\n', from - 1) + 1;
  const sign = /^(\s*)([-*]|(\d+)\.|>) /.exec(text.slice(start, from));
  if (from !== to || !sign) return undefined;
  const [prefix, indent = '', bullet = '', number] = sign;
  const end = text.indexOf('\n', from) < 0 ? text.length : text.indexOf('\n', from);
  if (!text.slice(start + prefix.length, end).trim()) return { text: text.slice(0, start) + text.slice(end), from: start, to: start };
  const put = `\n${indent}${number ? `${Number(number) + 1}.` : bullet} `;
  return { text: text.slice(0, from) + put + text.slice(from), from: from + put.length, to: from + put.length };
}

/** The beginning of a colleague's name after an `@` that the cursor stands at. */
export const namedAt = (text: string, caret: number): string | undefined => /(?:^|[\s(])@([\p{L}]{0,30})$/u.exec(text.slice(0, caret))?.[1];

/** Puts a colleague's name in place of the beginning that was typed. */
export function withName(text: string, caret: number, name: string): Selection {
  const head = text.slice(0, caret).replace(/@\p{L}*$/u, `@${name} `);
  return { text: head + text.slice(caret).replace(/^ /, ''), from: head.length, to: head.length };
}
