/**
 * Puts a question to the server. The questions that a page asks first are sent by `boot/`, before the code that asks them
 * is here: it leaves them with the window, where `call` finds them.
 */
import type { Action, In, Surface } from './actions';

export interface Who {
  idempotencyKey?: string;
  /** A client token (`ct_…`) of the portal. */
  token?: string;
}
export interface Sent { response: Promise<Response>; limit: AbortController }
interface Ahead extends Sent { at: number }

declare global {
  interface Window { tehprofAhead?: Record<string, Ahead> }
}
/** What was asked longer ago is asked anew. Milliseconds. */
const fresh = 10_000;

export function send<S extends Surface, A extends Action<S>>(surface: S, action: A, fields: In<S, A> | FormData, { idempotencyKey, token }: Who = {}): Sent {
  const isForm = fields instanceof FormData;
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': document.documentElement.lang || 'ru' };
  if (idempotencyKey) headers['Idempotency-Key'] = idempotencyKey;
  if (token) headers['X-Client-Token'] = token;
  if (!isForm) headers['Content-Type'] = 'application/json';
  const limit = new AbortController();
  const response = fetch(new URL(`api/${surface}.php/${action}`, document.baseURI), {
    method: 'POST',
    headers,
    body: isForm ? fields : JSON.stringify(fields),
    signal: limit.signal,
    credentials: surface === 'admin' ? 'same-origin' : 'omit',
  });
  return { response, limit };
}

const name = (surface: Surface, action: string, fields: unknown, token = '') => `${surface} ${action} ${JSON.stringify(fields)} ${token}`;

/** Asks what the page is about to ask. */
export function sendAhead<S extends Surface, A extends Action<S>>(surface: S, action: A, fields: In<S, A>, token?: string): void {
  const sent = send(surface, action, fields, token ? { token } : {});
  sent.response.catch(() => undefined); // told to who asks
  (window.tehprofAhead ??= {})[name(surface, action, fields, token)] = { ...sent, at: Date.now() };
}

/** The same question as it was sent ahead, if it was; it serves once. */
export function sentAhead(surface: Surface, action: string, fields: unknown, token?: string): Sent | undefined {
  const key = name(surface, action, fields, token);
  const sent = window.tehprofAhead?.[key];
  if (!sent) return undefined;
  delete window.tehprofAhead?.[key];
  return Date.now() - sent.at < fresh ? sent : undefined;
}
