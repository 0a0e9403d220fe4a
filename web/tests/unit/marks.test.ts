import { describe, expect, it } from 'vitest';
import { mark, type Mark } from '../../src/tenant/kb/marks';

const words = { link: 'ссылка', table: 'Столбец' };
/** What is chosen stands between brackets ⟦⟧. */
function marked(kind: Mark, shown: string): string {
  const from = shown.indexOf('⟦');
  const made = mark(kind, { text: shown.replace(/[⟦⟧]/g, ''), from, to: shown.indexOf('⟧') - 1 }, words);
  return `${made.text.slice(0, made.from)}⟦${made.text.slice(made.from, made.to)}⟧${made.text.slice(made.to)}`;
}

describe('a mark around words', () => {
  it('is put there and taken away again', () => {
    expect(marked('bold', 'Нажмите ⟦Смена⟧.')).toBe('Нажмите **⟦Смена⟧**.');
    expect(marked('bold', 'Нажмите **⟦Смена⟧**.')).toBe('Нажмите ⟦Смена⟧.');
    expect(marked('code', '⟦⟧')).toBe('`⟦⟧`');
  });
});

describe('a mark before lines', () => {
  it('takes whole lines, in place of another mark', () => {
    expect(marked('list', 'a\nод⟦ин\nдв⟧а\nb')).toBe('a\n⟦- один\n- два⟧\nb');
    expect(marked('steps', '⟦- один\n- два⟧')).toBe('⟦1. один\n2. два⟧');
    expect(marked('steps', '⟦1. один\n2. два⟧')).toBe('⟦один\nдва⟧');
    expect(marked('heading', '⟦⟧Касса')).toBe('⟦## Касса⟧');
  });
});

describe('a link', () => {
  it('chooses what is still to be written', () => {
    expect(marked('link', 'см. ⟦портал⟧')).toBe('см. [портал](⟦https://⟧)');
    expect(marked('link', '⟦https://a.example/x⟧')).toBe('[⟦ссылка⟧](https://a.example/x)');
    expect(marked('link', '⟦⟧')).toBe('[ссылка](⟦https://⟧)');
  });
});

it('a table stands apart from the text before it', () => {
  expect(marked('table', 'текст⟦⟧')).toBe('текст\n\n| ⟦Столбец⟧ | Столбец |\n|---|---|\n|  |  |\n');
});
