/**
 * The few marks that words of a message may bear, read as pieces: `**bold**`, `_italic_`, `` `code` ``, `[words](address)`, and bare addresses.
 * Lines between two fences of three backquotes are code and stay as they are.
 */
export interface Piece { text: string; as?: 'bold' | 'italic' | 'code'; href?: string }

const address = /https?:\/\/[^\s<>"«»]*[^\s<>"«».,;:!?)\]}]/;
const mail = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/;
const links = new RegExp(`(${address.source})|(${mail.source})`, 'gu');
const marks = new RegExp(String.raw`^[ \t]*\x60{3,}[^\x60\n]*(?:\n|$(?!\n))[\s\S]*?(?:^[ \t]*\x60{3,}[ \t]*$|$(?![\s\S]))|\x60([^\x60\n]+)\x60|\*\*(\S(?:[^\n]*?\S)?)\*\*(?![\p{L}\p{N}_])|_([^\s_](?:[^\n_]*[^\s_])?)_(?![\p{L}\p{N}_])|\[([^\]\n]+)\]\((https?:\/\/[^\s()<>"]+)\)|(${address.source})|(${mail.source})`, 'gmu');
const wordly = /[\p{L}\p{N}_]$/u;

/** Cuts a text into its pieces. What the client wrote has no marks: only its addresses are links. */
export function pieces(source: string, marked: boolean): Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const match of source.matchAll(marked ? marks : links)) {
    const [code, bold, italic, words, target, url, email] = marked ? match.slice(1) : [, , , , , match[1], match[2]];
    const before = source.slice(from, match.index);
    // Within a word a sign is part of a name or of a sum.
    if ((italic || bold) && wordly.test(before)) continue;
    if (match[0].trimStart().startsWith('```')) continue;
    if (before) found.push({ text: before });
    if (code) found.push({ text: code, as: 'code' });
    else if (bold) found.push({ text: bold, as: 'bold' });
    else if (italic) found.push({ text: italic, as: 'italic' });
    else if (words && target) found.push({ text: words, href: target });
    else found.push({ text: match[0], href: url ?? `mailto:${email ?? ''}` });
    from = match.index + match[0].length;
  }
  if (from < source.length) found.push({ text: source.slice(from) });
  return found;
}
