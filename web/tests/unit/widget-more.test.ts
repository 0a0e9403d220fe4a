import { describe, expect, it } from 'vitest';
import { h, link } from '../../src/widget/dom';
import { rich } from '../../src/widget/more';

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
