import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { call } from '../../src/lib/api';
import { sendAhead } from '../../src/lib/send';

const asked: string[] = [];
beforeEach(() => {
  asked.length = 0;
  delete window.tehprofAhead;
  vi.useFakeTimers();
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => {
    asked.push(`${url.pathname.split('/').pop()} ${String(init.body)} ${new Headers(init.headers).get('X-Client-Token') ?? ''}`.trim());
    if (init.signal?.aborted) return Promise.reject(new DOMException('', 'AbortError'));
    return new Promise((answer, refuse) => {
      init.signal?.addEventListener('abort', () => refuse(new DOMException('', 'AbortError')));
      setTimeout(() => answer(new Response(JSON.stringify({ ok: true, data: { of: asked.length } }))), 100);
    });
  });
});
afterEach(() => { vi.useRealTimers(); vi.unstubAllGlobals(); });

it('what was asked ahead is not asked again, and serves once', async () => {
  sendAhead('client', 'kb_articles', { limit: 1 }, 'ct_a');
  const first = call('client', 'kb_articles', { limit: 1 }, { token: 'ct_a' });
  const second = call('client', 'kb_articles', { limit: 1 }, { token: 'ct_a' });
  await vi.runAllTimersAsync();
  await Promise.all([first, second]);
  expect(asked).toEqual(['kb_articles {"limit":1} ct_a', 'kb_articles {"limit":1} ct_a']);
});

it('another question, another person or a change is asked by itself', async () => {
  sendAhead('client', 'kb_articles', { limit: 1 }, 'ct_a');
  const calls = [
    call('client', 'kb_articles', { limit: 2 }, { token: 'ct_a' }),
    call('client', 'kb_articles', { limit: 1 }, { token: 'ct_b' }),
    call('client', 'kb_articles', { limit: 1 }, { token: 'ct_a', idempotencyKey: 'k' }),
  ];
  await vi.runAllTimersAsync();
  await Promise.all(calls);
  expect(asked).toHaveLength(4);
});

it('an answer that nobody wanted for long is stale', async () => {
  sendAhead('admin', 'me', {});
  await vi.advanceTimersByTimeAsync(10_001);
  const late = call('admin', 'me', {});
  await vi.runAllTimersAsync();
  await late;
  expect(asked).toHaveLength(2);
});

it('who gives up what was asked ahead hears so, and a fault of it waits for who asks', async () => {
  sendAhead('admin', 'me', {});
  const given = new AbortController();
  const mine = call('admin', 'me', {}, { signal: given.signal }).catch((error: unknown) => (error as DOMException).name);
  given.abort();
  expect(await mine).toBe('AbortError');
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
  sendAhead('admin', 'me', {});
  await vi.advanceTimersByTimeAsync(10);
  await expect(call('admin', 'me', {})).rejects.toMatchObject({ code: 'network' });
});
