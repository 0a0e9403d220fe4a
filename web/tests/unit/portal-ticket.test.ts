import { render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { start } from '../../src/lib/i18n/index.svelte';
import Ask from '../../src/portal/Ask.svelte';
import { OpenTicket } from '../../src/portal/ticket.svelte';

type Handler = (action: string, body: Record<string, unknown>, headers: Headers) => [status: number, answer: unknown];
const calls: { action: string; key: string | null }[] = [];

/** Stands for the server; `undefined` as an answer is a broken connection. */
function serve(handler: Handler) {
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => {
    const action = new URL(url).pathname.split('/').pop() ?? '';
    const headers = new Headers(init.headers);
    calls.push({ action, key: headers.get('Idempotency-Key') });
    const [status, answer] = handler(action, JSON.parse(String(init.body)) as Record<string, unknown>, headers);
    return answer === undefined ? Promise.reject(new TypeError('failed')) : Promise.resolve(new Response(JSON.stringify(answer), { status }));
  });
}
const view = (texts: string[]) => ({ ok: true, data: { ticket: { id: 4, status: 'in_progress', estimate: null }, messages: texts.map((message, id) => ({ id, message })), files: [], history: [] } });

beforeEach(async () => {
  calls.length = 0;
  localStorage.clear();
  document.documentElement.lang = 'ru';
  await start('portal');
});

describe('a reply', () => {
  it('is shown at once and replaced by what the server has stored', async () => {
    const stored: string[] = [];
    serve((action, body) => (action === 'add_message' ? (stored.push(String(body.message)), [200, { ok: true, data: {} }]) : [200, view(stored)]));
    const ticket = new OpenTicket(4);
    ticket.write('  Готово?  ');
    ticket.send([]);
    expect(ticket.outgoing.map((reply) => reply.text)).toEqual(['Готово?']);
    expect(ticket.draft).toBe('');
    await waitFor(() => expect(ticket.outgoing).toEqual([]));
    expect(ticket.view?.messages.map((message) => message.message)).toEqual(['Готово?']);
    expect(new OpenTicket(4).draft).toBe('');
  });
  it('that was lost goes again under the same key once the connection is back', async () => {
    let up = false;
    serve((action) => (action === 'add_message' ? (up ? [200, { ok: true, data: {} }] : [0, undefined]) : [200, view([])]));
    const ticket = new OpenTicket(4);
    ticket.write('Привет');
    ticket.send([]);
    await waitFor(() => expect(ticket.outgoing[0]?.fault).toMatch(/Нет связи/));
    expect(new OpenTicket(4).draft, 'the draft outlives the page').toBe('Привет');
    up = true;
    ticket.retryLost();
    await waitFor(() => expect(ticket.outgoing).toEqual([]));
    const keys = calls.filter((call) => call.action === 'add_message').map((call) => call.key);
    expect(keys[0]).toMatch(/^[\da-f]{32}$/);
    expect(keys[1]).toBe(keys[0]);
  });
  it('that was refused says why in the words of the server, and can be put back to edit', async () => {
    serve((action) => (action === 'add_message' ? [400, { ok: false, error: 'Заявка закрыта', code: 'illegal_transition' }] : [200, view([])]));
    const ticket = new OpenTicket(4);
    ticket.write('Ещё раз');
    ticket.send([]);
    await waitFor(() => expect(ticket.outgoing[0]?.fault).toBe('Заявка закрыта'));
    ticket.retryLost();
    expect(calls.filter((call) => call.action === 'add_message'), 'a refused reply does not go again by itself').toHaveLength(1);
    ticket.write('и это');
    ticket.takeBack(ticket.outgoing[0] as never);
    expect([ticket.draft, ticket.outgoing.length]).toEqual(['Ещё раз\n\nи это', 0]);
  });
});

describe('a question before a decision', () => {
  it('wants a reason before it goes on', async () => {
    const ondecide = vi.fn(() => Promise.resolve());
    const { component } = render(Ask, { title: 'Почему?', yes: 'Отклонить', reason: { label: 'Причина', required: true }, ondecide });
    component.open();
    const user = userEvent.setup();
    await user.click(await screen.findByRole('button', { name: 'Отклонить' }));
    expect(ondecide).not.toHaveBeenCalled();
    expect(screen.getByRole('alert').textContent).toBe('Заполните это поле');
    await user.type(screen.getByLabelText('Причина'), 'дорого');
    await user.click(screen.getByRole('button', { name: 'Отклонить' }));
    expect(ondecide).toHaveBeenCalledWith('дорого');
  });
});
