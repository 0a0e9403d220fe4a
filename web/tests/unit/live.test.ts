import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: unknown[] = [];
  onmessage: ((event: { data: string }) => void) | undefined;
  onclose: (() => void) | undefined;
  readonly url: string;
  constructor(url: string) { this.url = url; FakeSocket.all.push(this); }
  send(frame: string) { this.sent.push(JSON.parse(frame)); }
  says(frame: object) { this.readyState = 1; this.onmessage?.({ data: JSON.stringify(frame) }); }
  close() { this.readyState = 3; this.onclose?.(); }
}
const last = () => FakeSocket.all.at(-1) as FakeSocket;
async function started() {
  vi.resetModules();
  const { live } = await import('../../src/tenant/live.svelte');
  live.start(5);
  return live;
}
const event = (seq: number) => ({ type: 'event', seq, kind: 'ticket.updated', ticket_id: 42 });

beforeEach(() => {
  FakeSocket.all = [];
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('fetch', vi.fn(async () => new Response('{"ok":false,"error":"x","code":"not_authenticated"}', { status: 403 })));
});
afterEach(() => { vi.useRealTimers(); vi.unstubAllGlobals(); });

describe('the live connection', () => {
  it('tells each event once and resumes after the last one seen', async () => {
    const live = await started();
    const seen: number[] = [];
    live.onEvent((x) => seen.push(x.seq));
    last().says({ type: 'hello', seq: 10, operator_id: 5 });
    for (const seq of [11, 12, 12]) last().says(event(seq));
    last().close();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(last().url).toMatch(/\/api\/live\?since=12$/);
    last().says({ type: 'hello', seq: 13, operator_id: 5 });
    last().says(event(13));
    expect(seen).toEqual([11, 12, 13]);
  });
  it('says that it is lost only after three seconds, and takes that back', async () => {
    const live = await started();
    last().says({ type: 'hello', seq: 1, operator_id: 5 });
    last().close();
    await vi.advanceTimersByTimeAsync(2_900);
    expect(live.lost).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(live.lost).toBe(true);
    last().says({ type: 'hello', seq: 1, operator_id: 5 });
    expect(live.lost).toBe(false);
  });
  it('waits longer after each failure', async () => {
    await started();
    for (let i = 0; i < 6; i += 1) { last().close(); await vi.advanceTimersByTimeAsync(30_000); }
    const before = FakeSocket.all.length;
    last().close();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(FakeSocket.all.length).toBe(before);
  });
  it('asks its listeners to load afresh when events were lost, and starts counting anew', async () => {
    const live = await started();
    const afresh = vi.fn();
    live.onResync(afresh);
    last().says({ type: 'hello', seq: 100, operator_id: 5 });
    last().says({ type: 'resync' });
    expect(afresh).toHaveBeenCalledOnce();
    const seen = vi.fn();
    live.onEvent(seen);
    last().says(event(3));
    expect(seen).toHaveBeenCalledOnce();
  });
  it('names the others on a ticket, writers first, oneself never', async () => {
    const live = await started();
    last().says({ type: 'presence', ticket_id: 42, viewers: [{ operator_id: 5, name: 'Я', is_typing: true }, { operator_id: 6, name: 'Ольга', is_typing: false }, { operator_id: 7, name: 'Данияр', is_typing: true }] });
    expect(live.others(42).map((x) => x.name)).toEqual(['Данияр', 'Ольга']);
  });
  it('repeats which ticket is looked at, also after reconnecting', async () => {
    const live = await started();
    last().says({ type: 'hello', seq: 1, operator_id: 5 });
    live.view(42);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(last().sent).toEqual([{ type: 'view', ticket_id: 42 }, { type: 'view', ticket_id: 42 }, { type: 'ping' }]);
    last().close();
    await vi.advanceTimersByTimeAsync(2_000);
    last().says({ type: 'hello', seq: 1, operator_id: 5 });
    expect(last().sent).toEqual([{ type: 'view', ticket_id: 42 }]);
  });
});
