import { beforeEach, describe, expect, it, vi } from 'vitest';
import { start } from '../../src/lib/i18n/index.svelte';
import type { Message, Ticket, TicketView } from '../../src/lib/types';

const ticket: Ticket = {
  id: 42, subject: 'CRM', status: 'in_progress', priority: 'normal', category: 'crm', portal_domain: null, company_name: null, assigned_to: 5, assigned_name: 'Алия',
  created_at: '2026-03-19T10:00:00.000Z', updated_at: '2026-03-19T10:00:00.000Z', creator_name: 'Иван', message_count: 0, unread_count: 0, channel: 'email', tags: [],
  sla_response_at: null, sla_resolution_at: null, sla_response_breached: false, sla_resolution_breached: false, sla_paused: false, first_response_at: null, snoozed_until: null,
  description: '', contact_id: null, creator_email: null, creator_phone: null, estimate: null, earlier_estimates: [], csat: null, result: null, merged_into: null, hours_spent: 0, closed_at: null, done_at: null,
  reference: 123456789012, due_at: null, last_message: null, can: { transitions: ['on_hold', 'done'] }, version: 3, client: null, other_tickets: [], previous_ticket: null, followers: [],
};
const message = (id: number, text: string): Message => ({
  id, message: text, html: null, quoted_from: null, author_type: 'support', author_name: 'Алия', is_note: false, created_at: '2026-03-19T11:00:00.000Z', edited_at: null, deleted_at: null,
  delivery_status: 'pending', delivery_error: null, channel: 'email', files: [], unverified: false, automatic: false, operator_id: 5, held_until: null, reply_to: null, reactions: [],
});
type Answer = (body: Record<string, unknown>, headers: Record<string, string>) => unknown;
let server: TicketView;
let answers: Record<string, Answer>;
const refuse = (status: number, body: object) => { throw new Response(JSON.stringify({ ok: false, error: 'нельзя', ...body }), { status }); };

async function opened() {
  vi.resetModules();
  const { start: startHere } = await import('../../src/lib/i18n/index.svelte');
  document.documentElement.lang = 'ru';
  await startHere('tenant');
  const [{ desk }, { outbox }, { session }, { toasts }, actions] = await Promise.all([
    import('../../src/tenant/ticket/desk.svelte'), import('../../src/tenant/ticket/outbox.svelte'), import('../../src/tenant/session.svelte'),
    import('../../src/lib/toast.svelte'), import('../../src/tenant/ticket/actions'),
  ]);
  await session.load();
  await desk.open(42);
  return { desk, outbox, toasts, actions };
}
beforeEach(async () => {
  localStorage.clear();
  await start('tenant');
  server = { ticket: { ...ticket }, messages: [], files: [], history: [] };
  answers = {
    me: () => ({ operator: { id: 5, name: 'Алия', email: 'a@b.kz', role: 'operator' }, tenant: {}, permissions: {}, branding: {}, locale: 'ru' }),
    get_ticket: () => structuredClone(server),
    ticket_counts: () => ({}), list_tickets: () => ({ tickets: [], total: 0 }),
  };
  vi.stubGlobal('fetch', vi.fn(async (url: URL, init: RequestInit) => {
    try {
      const action = answers[url.pathname.split('/').at(-1) ?? ''];
      if (!action) return new Response('{"ok":false,"error":"?","code":"unknown_action"}', { status: 400 });
      return new Response(JSON.stringify({ ok: true, data: action(JSON.parse(String(init.body)), init.headers as Record<string, string>) }));
    } catch (thrown) {
      if (thrown instanceof Response) return thrown;
      throw thrown;
    }
  }));
});

describe('a change', () => {
  it('shows before the server has answered, and becomes what it answers', async () => {
    const { desk, actions } = await opened();
    answers.update_ticket = () => { server.ticket.status = 'on_hold'; server.ticket.version = 4; return structuredClone(server.ticket); };
    const sent = actions.setStatus(ticket, 'on_hold');
    expect(desk.view?.ticket.status).toBe('on_hold');
    await sent;
    expect(desk.view?.ticket.version).toBe(4);
  });
  it('is rolled back with the reason when refused', async () => {
    const { desk, actions, toasts } = await opened();
    answers.update_ticket = () => refuse(400, { code: 'illegal_transition', error: 'Нельзя поставить на паузу' });
    await actions.setStatus(ticket, 'on_hold');
    expect(desk.view?.ticket.status).toBe('in_progress');
    expect(toasts.at(-1)).toMatchObject({ kind: 'error', text: 'Статус: изменить не удалось. Нельзя поставить на паузу' });
  });
  it('goes through over a newer version when nobody touched the same field', async () => {
    const { actions, desk } = await opened();
    server.ticket.version = 9;
    const versions: unknown[] = [];
    answers.update_ticket = (body) => {
      versions.push(body.version);
      if (body.version !== 9) refuse(400, { code: 'conflict', current: server.ticket });
      return structuredClone(Object.assign(server.ticket, { priority: body.priority, version: 10 }));
    };
    await actions.setPriority(ticket, 'urgent');
    expect(versions).toEqual([3, 9]);
    expect(desk.view?.ticket.priority).toBe('urgent');
  });
  it('never silently replaces what somebody else set in the same field', async () => {
    const { actions, desk } = await opened();
    Object.assign(server.ticket, { version: 9, priority: 'low' });
    const tried: unknown[] = [];
    answers.update_ticket = (body) => {
      tried.push(body.version);
      if (body.version !== undefined) refuse(400, { code: 'conflict', current: server.ticket });
      return structuredClone(Object.assign(server.ticket, { priority: body.priority }));
    };
    await actions.setPriority(ticket, 'urgent');
    await vi.waitFor(() => expect(desk.view?.ticket.priority).toBe('low'));
    expect(tried).toEqual([3]);
    const [conflict] = desk.conflicts;
    expect(conflict).toMatchObject({ ticket: ticket.id, field: 'priority', wanted: { priority: 'urgent' } });
    if (conflict) desk.settle(conflict, true);
    await vi.waitFor(() => expect(desk.view?.ticket.priority).toBe('urgent'));
    expect(desk.conflicts).toEqual([]);
  });
  it('is no conflict when both wanted the same', async () => {
    const { actions, desk } = await opened();
    Object.assign(server.ticket, { version: 9, priority: 'urgent' });
    answers.update_ticket = () => refuse(400, { code: 'conflict', current: server.ticket });
    await actions.setPriority(ticket, 'urgent');
    expect(desk.view?.ticket).toMatchObject({ priority: 'urgent', version: 9 });
    expect(desk.conflicts).toEqual([]);
  });
  it('can be undone by Ctrl+Z, once', async () => {
    const { actions } = await opened();
    const calls: unknown[] = [];
    answers.update_ticket = (body) => { calls.push(body.assigned_to); return structuredClone(Object.assign(server.ticket, { assigned_to: body.assigned_to, assigned_name: 'Ольга' })); };
    await actions.assign(ticket, 7);
    actions.undo();
    actions.undo();
    await vi.waitFor(() => expect(calls).toEqual([7, 5]));
  });
});

describe('a message', () => {
  it('shows at once and is replaced by what the server stored', async () => {
    const { desk, outbox } = await opened();
    answers.add_message = (body) => { const stored = message(101, String(body.message)); server.messages.push(stored); return stored; };
    const sent = outbox.send(42, 'Здравствуйте', false, []);
    expect(outbox.of(42).map((x) => [x.text, x.state])).toEqual([['Здравствуйте', 'sending']]);
    expect(await sent).toBe(true);
    expect([outbox.of(42).length, desk.view?.messages.map((x) => x.id)]).toEqual([0, [101]]);
  });
  it('waits for the connection with its key kept, over a reload too', async () => {
    const first = await opened();
    const keys: (string | undefined)[] = [];
    answers.add_message = (_, headers) => { keys.push(headers['Idempotency-Key']); throw new TypeError('offline'); };
    expect(await first.outbox.send(42, 'Без связи', false, [])).toBe(false);
    expect(first.outbox.of(42)[0]?.state).toBe('waiting');
    const second = await opened();
    answers.add_message = (body, headers) => { keys.push(headers['Idempotency-Key']); const stored = message(102, String(body.message)); server.messages.push(stored); return stored; };
    second.outbox.start();
    await vi.waitFor(() => expect(second.outbox.of(42)).toEqual([]));
    expect(keys[0]).toBe(keys.at(-1));
    expect(second.desk.view?.messages.map((x) => x.message)).toEqual(['Без связи']);
  });
  it('that was refused says why and may be tried anew or taken back', async () => {
    const { outbox } = await opened();
    const keys: (string | undefined)[] = [];
    answers.add_message = (_, headers) => { keys.push(headers['Idempotency-Key']); return refuse(400, { code: 'too_long', error: 'Слишком длинно' }); };
    await outbox.send(42, 'Очень длинно', true, []);
    const [failed] = outbox.of(42);
    expect([failed?.state, failed?.error]).toEqual(['failed', 'Слишком длинно']);
    outbox.retry(failed?.key ?? '');
    await vi.waitFor(() => expect(keys.length).toBe(2));
    expect(keys[0]).not.toBe(keys[1]);
    await vi.waitFor(() => expect(outbox.of(42)[0]?.state).toBe('failed'));
    expect(outbox.discard(outbox.of(42)[0]?.key ?? '')?.text).toBe('Очень длинно');
    expect(outbox.of(42)).toEqual([]);
  });
  it('goes out after the one before it', async () => {
    const { outbox } = await opened();
    const order: unknown[] = [];
    answers.add_message = (body) => { order.push(body.message); return message(100 + order.length, String(body.message)); };
    await Promise.all(['первое', 'второе', 'третье'].map((text) => outbox.send(42, text, false, [])));
    expect(order).toEqual(['первое', 'второе', 'третье']);
  });
});
