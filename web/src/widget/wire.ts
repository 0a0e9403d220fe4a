/** Calls of the widget API: plain CORS without cookies, the public key in each body. */
export interface Config {
  branding?: { company_name?: string; primary_color?: string };
  texts?: { title?: string; welcome?: string; reply?: string };
  fields?: { phone?: boolean; subject?: boolean };
  is_open?: boolean;
  opens_at?: string | null;
  kb?: boolean;
  access?: string;
}
export interface Article { id: number; title: string; html: string; lang: string }
export interface Attachment { id: number; name: string; url: string }
export interface Message { id: number; message: string; author_type: string; author_name: string; created_at: string; files?: Attachment[] }
export interface Conversation { ticket_id: number; status: string; subject: string; messages: Message[] }
export interface Created { ticket_id: number; status: string; ticket_token: string }

/** The server's «no», in words for the visitor and, when one field is to blame, its name. */
export class Refusal extends Error {
  field: string | undefined;
}

export type Fields = Record<string, string | number | undefined>;
export type Call = <T>(action: string, fields?: Fields, files?: File[], key?: string) => Promise<T>;

export function connect(base: URL, apiKey: string, lang: string): Call {
  return async <T>(action: string, fields: Fields = {}, files: File[] = [], key = '') => {
    const all = { ...fields, api_key: apiKey, lang };
    const headers = new Headers(key ? { 'idempotency-key': key } : {});
    let body: BodyInit = JSON.stringify(all);
    if (files.length) {
      body = new FormData();
      for (const [name, value] of Object.entries(all)) if (value) body.append(name, `${value}`);
      for (const file of files) body.append('files[]', file);
    } else headers.set('content-type', 'application/json');
    const response = await fetch(new URL(`api/widget.php/${action}`, base), { method: 'POST', headers, body, credentials: 'omit' });
    const answer = (await response.json()) as { ok: boolean; data: T; error: string; field?: string };
    if (!answer.ok) throw Object.assign(new Refusal(answer.error), { field: answer.field });
    return answer.data;
  };
}

/** `crypto.randomUUID` is missing on plain http. */
export const attemptKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-');
