import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError, call, isAbort, onSignedOut } from '../../src/lib/api';

const reply = (body: unknown, status = 200) => vi.stubGlobal('fetch', vi.fn(async () => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })));
const failure = (promise: Promise<unknown>) => promise.then(() => { throw new Error('it succeeded'); }, (error: unknown) => error as ApiError);
const sent = () => vi.mocked(fetch).mock.calls[0] as [URL, RequestInit & { headers: Record<string, string> }];
afterEach(() => vi.unstubAllGlobals());

describe('call', () => {
  it('posts JSON to the action and answers its data', async () => {
    document.documentElement.lang = 'kk';
    reply({ ok: true, data: { id: 7 } });
    expect(await call('admin', 'take_ticket', { ticket_id: 7 }, { idempotencyKey: 'k1' })).toEqual({ id: 7 });
    const [url, init] = sent();
    expect(url.pathname).toBe('/api/admin.php/take_ticket');
    expect(init.headers).toMatchObject({ 'Idempotency-Key': 'k1', 'Accept-Language': 'kk', 'Content-Type': 'application/json' });
    expect(init.body).toBe('{"ticket_id":7}');
  });
  it('sends files as multipart beside the other fields', async () => {
    reply({ ok: true, data: {} });
    await call('client', 'add_message', { ticket_id: 7, message: 'фото' }, { files: [new File(['x'], 'a.png')], token: 'ct_1' });
    const form = sent()[1].body as FormData;
    expect([form.get('ticket_id'), form.get('message'), (form.get('files[]') as File).name]).toEqual(['7', 'фото', 'a.png']);
    expect(sent()[1].headers).toMatchObject({ 'X-Client-Token': 'ct_1' });
    expect(sent()[1].headers).not.toHaveProperty('Content-Type');
  });
  it('carries code, field, sentence and details of a refusal', async () => {
    reply({ ok: false, error: 'Нельзя', code: 'illegal_transition', field: 'status', allowed: ['done'] }, 400);
    const error = await failure(call('admin', 'update_ticket', { ticket_id: 1, status: 'new' }));
    expect(error).toBeInstanceOf(ApiError);
    expect([error.message, error.code, error.status, error.field, error.details.allowed]).toEqual(['Нельзя', 'illegal_transition', 400, 'status', ['done']]);
    expect(error.unreachable).toBe(false);
  });
  it('tells listeners when the session has ended, and only then', async () => {
    const ended = vi.fn();
    const stop = onSignedOut(ended);
    reply({ ok: false, error: 'x', code: 'missing_scope' }, 403);
    await failure(call('admin', 'me', {}));
    reply({ ok: false, error: 'x', code: 'session_expired' }, 403);
    await failure(call('admin', 'me', {}));
    stop();
    await failure(call('admin', 'me', {}));
    expect(ended).toHaveBeenCalledOnce();
  });
  it('knows a server out of reach from a page that is not ours', async () => {
    vi.stubGlobal('fetch', vi.fn(async () => { throw new TypeError('Failed to fetch'); }));
    expect(await failure(call('admin', 'me', {}))).toMatchObject({ code: 'network', unreachable: true });
    reply('<html>Bad gateway</html>', 502);
    expect(await failure(call('admin', 'me', {}))).toMatchObject({ code: 'unavailable', unreachable: true });
    reply('<html>Welcome to the hotel</html>');
    expect(await failure(call('admin', 'me', {}))).toMatchObject({ code: 'bad_answer', unreachable: false });
  });
  it('gives up after the time limit, and quietly when the caller does', async () => {
    vi.stubGlobal('fetch', vi.fn((_, init: RequestInit) => new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError'))))));
    expect(await failure(call('admin', 'me', {}, { timeout: 5 }))).toMatchObject({ code: 'timeout' });
    const given = new AbortController();
    const pending = failure(call('admin', 'me', {}, { signal: given.signal }));
    given.abort();
    expect(isAbort(await pending)).toBe(true);
  });
});
