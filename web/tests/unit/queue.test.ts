import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Row } from '../../src/lib/types';
import { due } from '../../src/tenant/queue/sla';
import { noFilters, request } from '../../src/tenant/queue/view';

const row = (id: number): Row => ({
  id, subject: `s${id}`, status: 'new', priority: 'normal', category: 'crm', portal_domain: null, company_name: null, assigned_to: null, assigned_name: null,
  created_at: '', updated_at: '', creator_name: 'Иван', message_count: 1, unread_count: 0, channel: 'email', tags: [], sla_response_at: null, sla_resolution_at: null,
  sla_response_breached: false, sla_resolution_breached: false, sla_paused: false, first_response_at: null, snoozed_until: null, last_message: null,
});
let server: number[] = [];
let asked: Record<string, unknown>[] = [];

async function fresh() {
  vi.resetModules();
  const { queue } = await import('../../src/tenant/queue/queue.svelte');
  return queue;
}
beforeEach(() => {
  server = [1, 2, 3];
  asked = [];
  vi.stubGlobal('fetch', vi.fn(async (url: URL, init: RequestInit) => {
    const body = JSON.parse(String(init.body)) as { page: number; limit: number };
    if (url.pathname.endsWith('ticket_counts')) return new Response('{"ok":true,"data":{"unread":0}}');
    asked.push(body);
    const tickets = server.slice((body.page - 1) * body.limit, body.page * body.limit).map(row);
    return new Response(JSON.stringify({ ok: true, data: { tickets, total: server.length, page: body.page, limit: body.limit } }));
  }));
});

describe('the queue', () => {
  it('takes new tickets in at once when nobody is busy with the list', async () => {
    const queue = await fresh();
    await queue.load();
    server = [4, 1, 2, 3];
    await queue.sync();
    expect([queue.ids, queue.fresh]).toEqual([[4, 1, 2, 3], 0]);
  });
  it('keeps the rows where they are while somebody points at them, and counts who waits', async () => {
    const queue = await fresh();
    await queue.load();
    queue.held = () => true;
    server = [5, 4, 3, 2, 1];
    await queue.sync();
    expect([queue.ids, queue.fresh]).toEqual([[1, 2, 3], 2]);
    queue.releaseWhenFree();
    expect(queue.ids).toEqual([1, 2, 3]);
    queue.release();
    expect([queue.ids, queue.fresh]).toEqual([[5, 4, 3, 2, 1], 0]);
  });
  it('goes on from its place after the open ticket has left the view', async () => {
    const queue = await fresh();
    await queue.load();
    queue.mark(2);
    server = [1, 3];
    await queue.sync();
    expect([queue.neighbour(2, 1), queue.neighbour(2, -1)]).toEqual([3, 1]);
  });
  it('loads page after page without showing a ticket twice', async () => {
    server = Array.from({ length: 60 }, (_, i) => i + 1);
    const queue = await fresh();
    await queue.load();
    server.unshift(999);
    await queue.loadMore();
    await queue.loadMore();
    expect(queue.ids.length).toBe(new Set(queue.ids).size);
    expect(queue.ids.slice(0, 25)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
    expect(queue.ids.at(-1)).toBe(60);
  });
  it('forgets the answer to an earlier question', async () => {
    const queue = await fresh();
    const first = queue.load();
    queue.filters.search = 'счёт';
    await Promise.all([queue.load(), first]);
    expect([asked.at(-1)?.search, queue.state]).toEqual(['счёт', 'ready']);
  });
});

describe('a request for a view', () => {
  it('says who and what in the words of the server', () => {
    expect(request('mine', noFilters, 'sla')).toEqual({ status: 'active', assigned_to: 'me', snoozed: false, sort: 'sla', order: 'asc' });
    expect(request('done', { ...noFilters, search: ' #42 ', assigned_to: '7', tag: 'VIP' }, 'created_at')).toEqual({ status: 'done', search: '#42', assigned_to: 7, tag: 'VIP', sort: 'created_at', order: 'desc' });
  });
});

describe('the next promise', () => {
  const ticket = { ...row(1), sla_response_at: '2026-03-19T10:00:00.000Z', sla_resolution_at: '2026-03-19T18:00:00.000Z' };
  const at = Date.parse('2026-03-19T10:30:00.000Z');
  it('is the first answer, then the resolution', () => {
    expect(due(ticket, at)).toMatchObject({ kind: 'response', state: 'over', left: -30 * 60_000 });
    expect(due({ ...ticket, first_response_at: '2026-03-19T09:00:00.000Z' }, at)).toMatchObject({ kind: 'resolution', state: 'calm' });
  });
  it('stands still while paused and ends with the work', () => {
    expect(due({ ...ticket, sla_paused: true }, at)?.state).toBe('paused');
    expect(due({ ...ticket, status: 'done' }, at)).toBeUndefined();
  });
});
