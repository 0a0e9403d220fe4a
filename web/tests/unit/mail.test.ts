import { describe, expect, it } from 'vitest';
import { dress, frame, prepare } from '../../src/tenant/ticket/mail';

const parse = (html: string) => new DOMParser().parseFromString(html, 'text/html').body;

describe('a mail', () => {
  it('shows no remote picture until asked', () => {
    const html = '<p>hi</p><img src="https://tracker.example/p.gif"><img data-remote-src="https://cdn.example/logo.png">';
    const closed = prepare(html, [], undefined, false);
    expect(closed.remote).toBe(2);
    expect(parse(closed.html).querySelectorAll('img[src]').length).toBe(0);
    expect(frame(closed, false)).not.toMatch(/img-src [^"]*https: /);
    const open = prepare(html, [], undefined, true);
    expect([...parse(open.html).querySelectorAll('img')].map((x) => x.getAttribute('src'))).toEqual(['https://tracker.example/p.gif', 'https://cdn.example/logo.png']);
    expect(frame(open, true)).toMatch(/img-src [^"]*https: http:/);
  });
  it('finds its own pictures among the files', () => {
    const file = { id: 5, name: 'a.png', size: 1, mime: 'image/png', url: '/files/5/a.png', inline: true, content_id: '<pic@1>' };
    const img = parse(prepare('<img src="cid:pic@1"><img src="cid:gone">', [file], undefined, false).html).querySelectorAll('img');
    expect(img[0]?.getAttribute('src')).toMatch(/\/files\/5\/a\.png$/);
    expect(img[1]?.hasAttribute('src')).toBe(false);
  });
  it('lets links out in a new window, and no link that runs', () => {
    const links = parse(prepare('<a href="https://a.example">a</a><a href="javascript:alert(1)">b</a><a href="mailto:x@y.z">c</a>', [], undefined, false).html).querySelectorAll('a');
    expect([...links].map((x) => [x.getAttribute('href'), x.target, x.rel])).toEqual([['https://a.example', '_blank', 'noopener noreferrer'], [null, '_blank', 'noopener noreferrer'], ['mailto:x@y.z', '_blank', 'noopener noreferrer']]);
  });
  it('carries no script, frame, form or style sheet', () => {
    const { html } = prepare('<script>1</script><style>p{}</style><iframe srcdoc="x"></iframe><form><input></form><object></object><p>text</p>', [], undefined, false);
    expect(html).toBe('<p>text</p>');
  });
  it('keeps inline styles as data and puts them on the loaded nodes, those that break the frame excepted', () => {
    const mail = prepare('<p style="color: red; position: fixed" title="a style=b">my style=x</p>', [], undefined, false);
    const page = new DOMParser().parseFromString(mail.html, 'text/html');
    const p = page.querySelector('p');
    expect([p?.getAttribute('style'), p?.textContent, mail.styled]).toEqual([null, 'my style=x', true]);
    dress(page, { font: '14px sans-serif', colour: '#000', link: '#00f' });
    expect([p?.style.color, p?.style.position]).toEqual(['red', '']);
  });
});

describe('the quote of a mail', () => {
  const quoted = (html: string) => parse(html).querySelector<HTMLElement>('[data-quote]');
  it('is folded where the text says it starts', () => {
    const mail = prepare('<div><p>Новый <b>ответ</b></p><p>19 марта Алия пишет:</p><blockquote>Вопрос</blockquote></div>', [], 'Новый ответ\n\n', false);
    expect(mail.quoted).toBe(true);
    expect(quoted(mail.html)?.hidden).toBe(true);
    expect(quoted(mail.html)?.textContent).toBe('19 марта Алия пишет:Вопрос');
    expect(parse(mail.html).textContent?.replace(quoted(mail.html)?.textContent ?? '', '')).toBe('Новый ответ');
  });
  it('is the marked one when the server has marked it', () => {
    const mail = prepare('<p>Ответ</p><details class="quoted"><summary>…</summary><p>Старое</p></details>', [], undefined, false);
    expect([quoted(mail.html)?.textContent, mail.html.includes('<details')]).toEqual(['Старое', false]);
  });
  it('falls back to the first block quote when text and HTML differ', () => {
    const mail = prepare('<p>Ответ</p><blockquote>Старое</blockquote>', [], 'Совсем другое', false);
    expect(quoted(mail.html)?.tagName).toBe('BLOCKQUOTE');
  });
  it('stays unfolded when there is nothing to fold', () => expect(prepare('<p>Ответ</p>', [], 'Ответ', false).quoted).toBe(false));
});
