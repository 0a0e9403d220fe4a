/**
 * Messages on their way. Each shows in the conversation at once and is kept on this machine until the server has it. One that
 * could not be delivered to the server goes again by itself when the connection returns; its key keeps it from doubling.
 */
import { ApiError } from '../../lib/api';
import { errorText } from '../../lib/error';
import { uid } from '../../lib/id';
import type { File } from '../../lib/types';
import { admin } from '../api';
import { undoSeconds } from '../undo';
import { session } from '../session.svelte';
import { desk } from './desk.svelte';

export interface Outgoing {
  key: string; owner: string; ticket: number; text: string; is_note: boolean; files: File[]; at: number;
  state: 'sending' | 'waiting' | 'failed'; error: string;
  send_at?: string; mentions?: number[];
}
const store = 'tp.outbox';

function stored(): Outgoing[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(store) ?? '[]');
    return Array.isArray(found) ? (found as Outgoing[]) : [];
  } catch { return []; }
}

/** When it leaves: at the time it is meant for, unless that has passed, or after a moment in which it can be taken back. */
function timing(x: Outgoing): { send_at?: string; undo_seconds?: number } {
  if (x.is_note) return {};
  if (x.send_at && Date.parse(x.send_at) > Date.now()) return { send_at: x.send_at };
  return { undo_seconds: undoSeconds() };
}

class Outbox {
  list = $state<Outgoing[]>([]);
  readonly #busy = new Map<number, Promise<boolean>>();

  /** Takes up what an earlier page of this person left unsent. */
  start(): void {
    this.list = stored().filter((x) => x.owner === session.owner).map((x) => ({ ...x, state: x.state === 'failed' ? 'failed' : 'waiting' }));
    this.resume();
    addEventListener('online', () => this.resume());
  }

  /** A message of this ticket is on its way: the ticket is fetched anew when that has ended. */
  busy(ticket: number): boolean { return this.list.some((x) => x.ticket === ticket && x.state === 'sending'); }

  of(ticket: number): Outgoing[] { return this.list.filter((x) => x.ticket === ticket); }

  /** Sends again whatever waits for the connection. */
  resume(): void { for (const x of this.list) if (x.state === 'waiting') void this.#send(x.key); }

  send(ticket: number, text: string, is_note: boolean, files: File[], more: { send_at?: string; mentions?: number[] } = {}): Promise<boolean> {
    const key = uid();
    this.list.push({ key, owner: session.owner, ticket, text, is_note, files, at: Date.now(), state: 'sending', error: '', ...more });
    this.#store();
    return this.#send(key);
  }

  retry(key: string): void {
    const x = this.list.find((y) => y.key === key);
    if (!x) return;
    // The server keeps a refusal under its key: after one, the same words are a new attempt.
    if (x.state === 'failed') x.key = uid();
    void this.#send(x.key);
  }

  discard(key: string): Outgoing | undefined {
    const at = this.list.findIndex((x) => x.key === key);
    const [gone] = at < 0 ? [] : this.list.splice(at, 1);
    this.#store();
    return gone;
  }

  #find(key: string): Outgoing | undefined { return this.list.find((x) => x.key === key); }

  #send(key: string): Promise<boolean> {
    const ticket = this.#find(key)?.ticket ?? 0;
    const turn = (this.#busy.get(ticket) ?? Promise.resolve(true)).then(() => this.#post(key));
    this.#busy.set(ticket, turn);
    return turn;
  }

  async #post(key: string): Promise<boolean> {
    const x = this.#find(key);
    if (!x) return false;
    x.state = 'sending';
    try {
      const message = await admin('add_message', { ticket_id: x.ticket, message: x.text, is_note: x.is_note, file_ids: x.files.map((file) => file.id), ...timing(x), ...(x.mentions?.length ? { mentions: x.mentions } : {}) }, { idempotencyKey: key });
      this.discard(key);
      desk.messages(x.ticket, (messages) => (messages.some((m) => m.id === message.id) ? messages : [...messages, message]));
      return true;
    } catch (error) {
      const waits = error instanceof ApiError && (error.unreachable || session.ended || error.status === 429);
      x.state = waits ? 'waiting' : 'failed';
      x.error = errorText(error);
      this.#store();
      return false;
    } finally {
      if (desk.current === x.ticket && !this.busy(x.ticket)) void desk.reload();
    }
  }

  #store(): void {
    try {
      const others = stored().filter((x) => x.owner !== session.owner);
      localStorage.setItem(store, JSON.stringify([...others, ...this.list]));
    } catch { /* the message is still on the screen and can be sent again */ }
  }
}

export const outbox = new Outbox();
