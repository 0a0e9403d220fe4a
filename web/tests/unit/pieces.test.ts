import { describe, expect, it } from 'vitest';
import { pieces } from '../../src/lib/marks';

describe('the pieces of an operator’s message', () => {
  it('bear its marks', () => {
    expect(pieces('Нажмите **Смена паролей** и _ждите_: `ipconfig /all`.', true)).toEqual([
      { text: 'Нажмите ' }, { text: 'Смена паролей', as: 'bold' }, { text: ' и ' }, { text: 'ждите', as: 'italic' }, { text: ': ' }, { text: 'ipconfig /all', as: 'code' }, { text: '.' },
    ]);
    expect(pieces('см. [портал](https://a.example/x), https://b.example/y_z_.', true)).toEqual([
      { text: 'см. ' }, { text: 'портал', href: 'https://a.example/x' }, { text: ', ' }, { text: 'https://b.example/y_z_', href: 'https://b.example/y_z_' }, { text: '.' },
    ]);
  });
  it('leave alone what only looks like a mark', () => {
    for (const text of ['2 ** 3 ** 4', '2**3**4', 'x**2 + y**2', 'f(**kwargs)**2', 'файл my_long_name_.txt', 'a*b*c', '`не закрыто', '[нет](javascript:alert(1))', '** пусто **']) expect(pieces(text, true).map((x) => x.text).join('')).toBe(text);
    expect(pieces('2**3**4', true)).toEqual([{ text: '2**3**4' }]);
    expect(pieces('my_long_name.txt', true)).toEqual([{ text: 'my_long_name.txt' }]);
    expect(pieces('[нет](javascript:alert(1))', true).some((x) => x.href)).toBe(false);
  });
  it('leave code between fences as it was typed', () => {
    for (const text of ['```\nx = "_a_"\n```', '```python\n  **kwargs** `x`\n```\nи всё', '```\n_не закрыто_\n**и это**']) expect(pieces(text, true)).toEqual([{ text }]);
    expect(pieces('**Так:**\n```\n**x**\n```\n_и всё_', true)).toEqual([{ text: 'Так:', as: 'bold' }, { text: '\n```\n**x**\n```\n' }, { text: 'и всё', as: 'italic' }]);
  });
});

it('a client’s words are shown as they are, with their addresses', () => {
  expect(pieces('**срочно** ivan@client.test https://c.example.', false)).toEqual([
    { text: '**срочно** ' }, { text: 'ivan@client.test', href: 'mailto:ivan@client.test' }, { text: ' ' }, { text: 'https://c.example', href: 'https://c.example' }, { text: '.' },
  ]);
});
