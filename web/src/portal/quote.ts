/** Text of a message in the parts the page draws: links, and the quoted mail that is folded away. */
export interface Piece { text: string; href: string | undefined }

/** `quoted_from` counts UTF-16 units, as JavaScript does; out of range means nothing is folded. */
export function fold(message: string, quotedFrom: number | null): { own: string; quoted: string } {
  const at = quotedFrom ?? message.length;
  if (at <= 0 || at >= message.length) return { own: message, quoted: '' };
  return { own: message.slice(0, at).trimEnd(), quoted: message.slice(at) };
}

/** Cuts out web addresses; the full stop or bracket that ends the sentence is not part of one. */
export function pieces(text: string): Piece[] {
  return text.split(/(https?:\/\/[^\s<>"«»]*[^\s<>"«».,;:!?)\]}])/).map((part, i) => ({ text: part, href: i % 2 ? part : undefined })).filter((piece) => piece.text);
}
