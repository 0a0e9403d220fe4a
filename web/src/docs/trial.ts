/** A call made from the page. The credential lives in memory alone and goes when the page is left. */
import { method, pathOf, type Action } from './model';

export interface Answer { status: number; ms: number; headers: readonly (readonly [string, string])[]; body: string }

const shownHeaders = ['x-request-id', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after'];

/** Pretty JSON as it is; anything else as text. */
function pretty(text: string): string {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

export async function send(action: Action, credential: string, body: string, language: string): Promise<Answer> {
  const fields = JSON.parse(body) as Record<string, unknown>;
  const headers: Record<string, string> = { 'Content-Type': 'application/json', 'Accept-Language': language };
  if (action.surface === 'client') headers['X-Client-Token'] = credential;
  if (action.surface === 'admin' && credential) headers['X-Api-Key'] = credential;
  if (action.surface === 'widget' && credential) fields.api_key = credential;
  const from = performance.now();
  const response = await fetch(new URL(`.${pathOf(action)}`, document.baseURI), {
    method, headers, body: JSON.stringify(fields), credentials: action.surface === 'admin' && !credential ? 'same-origin' : 'omit',
  });
  const text = await response.text();
  return {
    status: response.status,
    ms: Math.round(performance.now() - from),
    headers: shownHeaders.flatMap((name) => { const value = response.headers.get(name); return value ? [[name, value] as const] : []; }),
    body: pretty(text),
  };
}
