import { describe, expect, it } from 'vitest';
import { namedAt, nextLine, withName } from '../../src/tenant/ticket/writing';

/** The cursor stands at the bar. */
const at = (shown: string) => ({ text: shown.replace('|', ''), from: shown.indexOf('|'), to: shown.indexOf('|') });
function entered(shown: string): string | undefined {
  const made = nextLine(at(shown));
  return made && `${made.text.slice(0, made.from)}|${made.text.slice(made.from)}`;
}

describe('Enter in a list', () => {
  it('begins the next line with the same sign', () => {
    expect(entered('- один|')).toBe('- один\n- |');
    expect(entered('9. девять|\nдальше')).toBe('9. девять\n10. |\nдальше');
    expect(entered('  - вло|жено')).toBe('  - вло\n  - |жено');
  });
  it('ends the list on an empty line', () => expect(entered('- один\n- |\nтекст')).toBe('- один\n|\nтекст'));
  it('is Enter elsewhere', () => {
    expect(entered('текст|')).toBeUndefined();
    expect(entered('-|')).toBeUndefined();
    expect(nextLine({ text: '- один', from: 2, to: 6 })).toBeUndefined();
  });
});

describe('a colleague’s name', () => {
  it('is looked for where the cursor stands', () => {
    const { text, from } = at('Глянь, @Мари| и ответь');
    expect(namedAt(text, from)).toBe('Мари');
    expect(withName(text, from, 'Марина Ким')).toEqual({ text: 'Глянь, @Марина Ким и ответь', from: 19, to: 19 });
  });
  it('is no address', () => expect(namedAt('ivan@client', 11)).toBeUndefined());
});
