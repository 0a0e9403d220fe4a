import { describe, expect, it } from 'vitest';
import { h, link } from '../../src/widget/dom';
import { rich, spoken } from '../../src/widget/more';

const base = new URL('https://desk.test/');
const shown = (html: string) => {
  const node = h('div', {}, ...rich({ h, link }, html, base));
  return node.innerHTML;
};

describe('an article in the widget', () => {
  it('is built of the server’s marks', () => {
    expect(shown('<h2>Касса</h2>\n<p>Нажмите <strong>«Смена»</strong><br>и ждите.</p><ol><li>раз</li></ol>')).toBe('<h2>Касса</h2>\n<p>Нажмите <strong>«Смена»</strong><br>и ждите.</p><ol><li>раз</li></ol>');
    expect(shown('<table><thead><tr><th>a</th></tr></thead></table>')).toBe('<table><thead><tr><th>a</th></tr></thead></table>');
  });
  it('shows signs as they were written', () => {
    expect(h('div', {}, ...rich({ h, link }, '<p>1 &lt; 2 &amp;&amp; &quot;x&quot; &amp;lt;</p>', base)).textContent).toBe('1 < 2 && "x" &lt;');
  });
  it('links to where the desk says, in a window of their own', () => {
    const [node] = rich({ h, link }, '<a href="/kb/ru/chek?a=1&amp;b=2" rel="noopener noreferrer" target="_blank">чек</a>', base) as [HTMLAnchorElement];
    expect([node.href, node.target, node.textContent]).toEqual(['https://desk.test/kb/ru/chek?a=1&b=2', '_blank', 'чек']);
  });
  it('makes nothing of what it does not know, and never runs anything', () => {
    expect(shown('<script>alert(1)</script><img src="x" onerror="alert(1)"><a href="javascript:alert(1)">x</a>')).not.toMatch(/<(script|img|a)|onerror|javascript/);
    expect(shown('</p></div>хвост')).toBe('хвост');
  });
});

describe('the words of a message in the widget', () => {
  const said = (text: string, marked: boolean) => h('p', {}, ...spoken({ h, link }, text, marked));
  it('show an operator’s marks as they are meant', () => {
    const node = said('Нажмите **«Смена»**, _потом_ `F5`:\n- раз\n* два\n[статья](https://desk.test/kb)', true);
    expect(node.textContent).toBe('Нажмите «Смена», потом F5:\n• раз\n• два\nстатья');
    expect([...node.children].map((x) => x.localName)).toEqual(['b', 'i', 'code', 'a']);
    expect((node.querySelector('i') as HTMLElement).style.fontStyle).toBe('italic');
    expect(node.querySelector('a')?.getAttribute('href')).toBe('https://desk.test/kb');
  });
  it('leave what a visitor wrote as it is, but for addresses', () => {
    const node = said('**Ой** https://shop.test/a. <b>нет</b>', false);
    expect(node.textContent).toBe('**Ой** https://shop.test/a. <b>нет</b>');
    expect([...node.children].map((x) => x.localName)).toEqual(['a']);
  });
});
