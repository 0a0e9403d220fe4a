import { beforeEach, expect, it, vi } from 'vitest';
import { chooseLocale, lang, start } from '../../src/lib/i18n/index.svelte';
import { begin, enterWith, leave, session, tellLocale } from '../../src/portal/session.svelte';
import { currentToken } from '../../src/portal/token';

const asked: string[] = [];
let refusal: { status: number; code: string } | undefined;

beforeEach(() => {
  asked.length = 0;
  refusal = undefined;
  leave();
  history.replaceState(null, '', '/index.html');
  localStorage.removeItem('tp.lang');
  document.documentElement.lang = 'ru';
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => {
    const action = new URL(url).pathname.split('/').pop() ?? '';
    asked.push(`${action} ${new Headers(init.headers).get('X-Client-Token') ?? ''}`);
    if (refusal) return Promise.resolve(new Response(JSON.stringify({ ok: false, error: 'нет', code: refusal.code }), { status: refusal.status }));
    const data = action === 'me' ? { user_id: 7, user_name: 'Асем', portal_domain: 'client.kz', company_name: 'Client', locale: 'kk', branding: { company_name: 'Desk', primary_color: '#0b6e4f' } } : [];
    return Promise.resolve(new Response(JSON.stringify({ ok: true, data })));
  });
});

it('without a token nobody is asked and the way in is shown', async () => {
  await begin(false, start('portal'));
  expect([session.stage, asked.length]).toEqual(['outside', 0]);
});

it('a client comes in by the link, in the language of the company', async () => {
  history.replaceState(null, '', '/index.html?ctoken=ct_a.b');
  const begun = begin(false, start('portal'));
  expect([...asked].sort(), 'all at once, before there is an answer').toEqual(['client_dashboard', 'kb_articles', 'list_tickets', 'me'].map((action) => `${action} ct_a.b`));
  await begun;
  expect([session.stage, session.owner, lang()]).toEqual(['inside', 'client.kz:7', 'kk']);
  expect(location.search).toBe('');
});

it('a language that came with the address is kept here and not told to the desk; one chosen on the page is', async () => {
  history.replaceState(null, '', '/index.html?lang=ru&ctoken=ct_a.b');
  await begin(false, start('portal'));
  await tellLocale();
  expect([lang(), asked.some((call) => call.startsWith('set_locale'))]).toEqual(['ru', false]);
  await chooseLocale('en');
  await tellLocale();
  expect(asked.filter((call) => call.startsWith('set_locale'))).toHaveLength(1);
});

it('a token that is refused is forgotten', async () => {
  refusal = { status: 403, code: 'invalid_credential' };
  await begin(false, start('portal'));
  await enterWith('ct_old.x');
  expect([session.stage, currentToken(), localStorage.getItem('tp.ctoken')]).toEqual(['expired', '', null]);
});

it('a server that is down is not taken for a refusal', async () => {
  refusal = { status: 503, code: 'unavailable' };
  await begin(false, start('portal'));
  await enterWith('ct_a.b');
  expect([session.stage, currentToken()]).toEqual(['unreachable', 'ct_a.b']);
});
