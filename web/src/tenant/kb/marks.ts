/** What the editor's buttons do to Markdown: pure, so that every mark is tested without a page. */
export interface Selection { text: string; from: number; to: number }
export type Mark = 'bold' | 'italic' | 'code' | 'heading' | 'list' | 'steps' | 'quote' | 'link' | 'table';

const around: Partial<Record<Mark, string>> = { bold: '**', italic: '_', code: '`' };
const before: Partial<Record<Mark, (line: number) => string>> = { heading: () => '## ', list: () => '- ', steps: (line) => `${line + 1}. `, quote: () => '> ' };
const anyPrefix = /^(#{1,6} |[-*] |\d+\. |> )/;

/** Puts a mark around what is chosen, or takes it away where it is already. The chosen words stay chosen. */
export function mark(kind: Mark, { text, from, to }: Selection, words: { link: string; table: string }): Selection {
  const chosen = text.slice(from, to);
  const sign = around[kind];
  if (sign) {
    const has = text.slice(from - sign.length, from) === sign && text.slice(to, to + sign.length) === sign;
    if (has) return { text: text.slice(0, from - sign.length) + chosen + text.slice(to + sign.length), from: from - sign.length, to: to - sign.length };
    return { text: text.slice(0, from) + sign + chosen + sign + text.slice(to), from: from + sign.length, to: to + sign.length };
  }
  const prefix = before[kind];
  if (prefix) {
    const start = text.lastIndexOf('\n', from - 1) + 1;
    const end = text.indexOf('\n', to) < 0 ? text.length : text.indexOf('\n', to);
    const lines = text.slice(start, end).split('\n');
    const has = lines.every((line, i) => line.startsWith(prefix(i)));
    const made = lines.map((line, i) => (has ? line.slice(prefix(i).length) : prefix(i) + line.replace(anyPrefix, ''))).join('\n');
    return { text: text.slice(0, start) + made + text.slice(end), from: start, to: start + made.length };
  }
  if (kind === 'link') {
    const isAddress = /^https?:\/\/\S+$/.test(chosen);
    const label = isAddress || !chosen ? words.link : chosen;
    const address = isAddress ? chosen : 'https://';
    const made = `[${label}](${address})`;
    // What is still to be written is chosen: the label beside an address, the address beside a label.
    const at = isAddress ? from + 1 : from + label.length + 3;
    return { text: text.slice(0, from) + made + text.slice(to), from: at, to: at + (isAddress ? label : address).length };
  }
  const gap = !from || text.slice(0, from).endsWith('\n\n') ? '' : text.slice(0, from).endsWith('\n') ? '\n' : '\n\n';
  const made = `${gap}| ${words.table} | ${words.table} |\n|---|---|\n|  |  |\n`;
  const at = from + gap.length + 2;
  return { text: text.slice(0, from) + made + text.slice(to), from: at, to: at + words.table.length };
}
