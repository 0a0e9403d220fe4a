import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { contrast, parse } from '../../src/lib/colour';
import { h, link as anchor } from '../../src/widget/dom';
import { spoken } from '../../src/widget/more';
import { createWidget, inkOn, type Widget } from '../../src/widget/element';
import { createMemory } from '../../src/widget/memory';
import { languages, pickLanguage, say, sayStatus, speak, texts } from '../../src/widget/texts';

interface Sent { action: string; body: Record<string, unknown> }
let sent: Sent[] = [];
let answers: Record<string, (body: Record<string, unknown>) => unknown> = {};
let widget: Widget;
const inner = <T extends Element = HTMLElement>(selector: string) => document.querySelector('tehprof-widget')?.shadowRoot?.querySelector<T>(selector) ?? undefined;
const need = <T extends Element = HTMLElement>(selector: string): T => {
  const found = inner<T>(selector);
  if (!found) throw new Error(`${selector} is not there`);
  return found;
};
const type = (selector: string, text: string) => {
  const field = need<HTMLInputElement>(selector);
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
};
const submit = () => need('form').dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
const start = () => createWidget({ base: new URL('http://desk.test/'), apiKey: 'wk_1', lang: 'ru', color: undefined, left: false, hideLauncher: false, more: () => import('../../src/widget/more') });

beforeEach(() => {
  sent = [];
  localStorage.clear();
  sessionStorage.clear();
  answers = { config: () => ({ branding: { company_name: 'Desk' }, is_open: true }) };
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => {
    const action = new URL(url).pathname.split('/').pop() ?? '';
    const body = JSON.parse(String(init.body)) as Record<string, unknown>;
    sent.push({ action, body });
    const answer = answers[action]?.(body);
    if (answer === undefined) return Promise.reject(new TypeError('offline'));
    return Promise.resolve(new Response(JSON.stringify(typeof answer === 'object' && answer !== null && 'error' in answer ? { ok: false, ...answer } : { ok: true, data: answer })));
  });
  widget = start();
});
afterEach(() => widget.destroy());

describe('before the first click', () => {
  it('the widget asks the desk for nothing and stores nothing', () => {
    expect(sent).toEqual([]);
    expect([localStorage.length, sessionStorage.length]).toEqual([0, 0]);
    expect(inner('.panel')).toBeUndefined();
  });
  it('the badge tells of replies seen unread on an earlier page', () => {
    widget.destroy();
    localStorage.setItem('tehprof.wk_1', JSON.stringify([{ id: 1, token: 't', subject: 'x', status: 'new', seen: 0, unread: 2 }]));
    widget = start();
    expect(need('.badge').textContent).toBe('2');
    expect(need('.launch').getAttribute('aria-label')).toContain('новых ответов: 2');
    expect(sent).toEqual([]);
  });
});

describe('a new request', () => {
  beforeEach(() => widget.open());
  it('with a field missing is not sent, and the field says so', () => {
    submit();
    expect(sent.map((call) => call.action)).toEqual(['config']);
    expect(need('#name-error').textContent).toBe('Проверьте это поле');
    expect(need('#name').getAttribute('aria-invalid')).toBe('true');
  });
  it('shows what the server has against a field beside that field', async () => {
    answers.create_ticket = () => ({ error: 'Нет такого домена', field: 'email' });
    type('#name', 'А');
    type('#email', 'a@b.kz');
    type('#description', 'вопрос');
    submit();
    await vi.waitFor(() => expect(need('#email-error').textContent).toBe('Нет такого домена'));
    expect(sessionStorage.getItem('tehprof.wk_1')).toContain('вопрос');
  });
  it('goes on as a conversation, is remembered by its token, and its draft is gone', async () => {
    answers.create_ticket = () => ({ ticket_id: 123456789012, status: 'new', ticket_token: 'tok' });
    answers.get_messages = () => ({ ticket_id: 123456789012, status: 'new', subject: 'вопрос', messages: [{ id: 1, message: 'вопрос', author_type: 'client', author_name: 'А', created_at: '2026-03-19T10:30:00.000Z', files: [] }] });
    type('#name', 'А');
    type('#email', 'a@b.kz');
    type('#description', 'вопрос');
    submit();
    await vi.waitFor(() => expect(need('.msg').textContent).toContain('вопрос'));
    expect(JSON.parse(localStorage.getItem('tehprof.wk_1') ?? '[]')).toMatchObject([{ id: 123456789012, token: 'tok' }]);
    expect(JSON.parse(sessionStorage.getItem('tehprof.wk_1') ?? '{}')).toMatchObject({ description: '', name: 'А' });
    expect(sent.find((call) => call.action === 'create_ticket')?.body).toMatchObject({ api_key: 'wk_1', lang: 'ru', website: '' });
  });
});

describe('in the host page', () => {
  it('Escape closes the panel and the page does not hear the keys typed in it', () => {
    const heard = vi.fn();
    document.addEventListener('keydown', heard);
    widget.open();
    need('.panel').dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true, composed: true }));
    expect([need('.panel').hidden, need('.launch').getAttribute('aria-expanded')]).toEqual([true, 'false']);
    expect(heard).not.toHaveBeenCalled();
    document.removeEventListener('keydown', heard);
  });
  it('comes back when a framework empties the body', async () => {
    document.body.replaceChildren();
    await vi.waitFor(() => expect(document.querySelector('tehprof-widget')).not.toBeNull());
  });
  it('is gone for good once destroyed', async () => {
    widget.destroy();
    document.body.replaceChildren();
    await new Promise((done) => setTimeout(done, 20));
    expect(document.querySelector('tehprof-widget')).toBeNull();
  });
});

describe('memory', () => {
  it('never writes down a request found by number and e-mail', () => {
    const memory = createMemory('wk_2');
    memory.keep({ id: 5, email: 'a@b.kz', subject: 'x', status: 'new', seen: 0, unread: 0 });
    expect(memory.all()).toHaveLength(1);
    expect(localStorage.getItem('tehprof.wk_2')).toBe('[]');
  });
  it('keeps what another tab has added meanwhile', () => {
    const [one, two] = [createMemory('wk_3'), createMemory('wk_3')];
    const known = { token: 't', subject: 'x', status: 'new', seen: 0, unread: 1 };
    one.keep({ id: 1, ...known });
    two.keep({ id: 2, ...known });
    expect(createMemory('wk_3').all().map((x) => x.id).sort()).toEqual([1, 2]);
    expect(two.unread()).toBe(2);
  });
});

describe('words and colours', () => {
  it('every text is said in three languages', () => {
    for (const [key, forms] of Object.entries(texts)) {
      expect(forms, key).toHaveLength(languages.length);
      for (const form of forms) expect([key, form.trim() !== '', form.includes('{}')]).toEqual([key, true, forms[0].includes('{}')]);
    }
  });
  it('the language is the first that is known', () => {
    expect([pickLanguage('kk-KZ'), pickLanguage('auto', 'en-US'), pickLanguage(undefined, 'de', 'fr')]).toEqual(['kk', 'en', 'ru']);
  });
  it('a status unknown here is shown as it came', () => {
    speak('en');
    expect([sayStatus('done'), sayStatus('archived'), say('hint', 7)]).toEqual(['Done', 'archived', 'Number 7. The reply comes here.']);
  });
  it('words on any brand colour can be read', () => {
    for (let i = 0; i < 0xffffff; i += 9973) {
      const color = `#${i.toString(16).padStart(6, '0')}`;
      const ink = inkOn(color) === '#000' ? '#000000' : '#ffffff';
      expect(contrast(parse(color), parse(ink)), color).toBeGreaterThanOrEqual(4.5);
    }
  });
  it('an address in a message becomes a link that cannot reach the page', () => {
    const said = (text: string) => spoken({ h, link: anchor }, text, true);
    const link = said('см. https://a.kz/x.').find((part) => part instanceof HTMLAnchorElement) as HTMLAnchorElement;
    expect([link.getAttribute('href'), link.rel]).toEqual(['https://a.kz/x', 'noopener nofollow']);
    expect(said('javascript:alert(1)')).toEqual(['javascript:alert(1)']);
  });
});
