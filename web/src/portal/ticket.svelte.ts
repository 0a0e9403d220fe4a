/** One open ticket: what the server has told of it, the replies on their way, and the client's decisions. */
import { ApiError, isAbort } from '../lib/api';
import { loadDraft, saveDraft } from '../lib/draft';
import { errorText } from '../lib/error';
import { uid } from '../lib/id';
import type { ClientDashboard, ClientTicketView } from '../lib/types';
import { ask } from './api';
import { t } from './i18n';
import { session } from './session.svelte';

/** `lost` when it may not have reached the server: it goes again by itself once the connection is back. */
export interface Outgoing { key: string; text: string; files: File[]; fault: string; lost: boolean }
export type Decision = 'accept_ticket' | 'reopen_ticket' | 'approve_estimate' | 'reject_estimate';

export class OpenTicket {
  readonly id: number;
  view = $state.raw<ClientTicketView>();
  balance = $state.raw<ClientDashboard>();
  fault = $state.raw<unknown>();
  outgoing = $state.raw<readonly Outgoing[]>([]);
  draft = $state('');
  /** A reply to a ticket closed long ago opens a new one: its number. */
  movedTo = $state(0);
  #loading: AbortController | undefined;

  constructor(id: number) {
    this.id = id;
    this.draft = loadDraft(session.owner, 'reply', id).text;
  }

  /** A newer load gives the older one up: its answer would be stale. */
  async load(): Promise<void> {
    this.#loading?.abort();
    const request = new AbortController();
    this.#loading = request;
    try {
      this.view = await ask('get_ticket', { ticket_id: this.id }, { signal: request.signal });
      this.fault = undefined;
      if (this.view.ticket.estimate?.status === 'pending' && !this.balance) this.balance = await ask('client_dashboard', {}, { signal: request.signal });
    } catch (error) {
      if (!isAbort(error)) this.fault = error;
    }
  }

  stop(): void {
    this.#loading?.abort();
  }

  write(text: string): void {
    this.draft = text;
    this.#keep();
  }

  /** What is typed and what has not got through yet are kept together: neither may be lost with the page. */
  #keep(): void {
    const text = [...this.outgoing.map((reply) => reply.text), this.draft].filter(Boolean).join('\n\n');
    saveDraft(session.owner, 'reply', this.id, { text, files: [] });
  }

  send(files: File[]): void {
    const reply: Outgoing = { key: uid(), text: this.draft.trim(), files, fault: '', lost: false };
    this.draft = '';
    this.outgoing = [...this.outgoing, reply];
    void this.#deliver(reply);
  }

  retry(reply: Outgoing): void {
    const again = { ...reply, fault: '', lost: false };
    this.outgoing = this.outgoing.map((x) => (x.key === reply.key ? again : x));
    void this.#deliver(again);
  }

  /** To be called when the connection is back: what was lost goes again under the same key. */
  retryLost(): void {
    for (const reply of this.outgoing) if (reply.lost) this.retry(reply);
  }

  /** Puts the text of a reply that did not get through back into the field; its files are handed back to the caller. */
  takeBack(reply: Outgoing): File[] {
    this.outgoing = this.outgoing.filter((x) => x.key !== reply.key);
    this.write([reply.text, this.draft].filter(Boolean).join('\n\n'));
    return reply.files;
  }

  async #deliver(reply: Outgoing): Promise<void> {
    try {
      const posted = await ask('add_message', { ticket_id: this.id, message: reply.text }, { files: reply.files, idempotencyKey: reply.key });
      if ('ticket_id' in posted && posted.ticket_id !== this.id) this.movedTo = Number(posted.ticket_id);
      await this.load(); // shows the accepted message before the sketch of it goes
      this.outgoing = this.outgoing.filter((x) => x.key !== reply.key);
      this.#keep();
    } catch (error) {
      const lost = error instanceof ApiError && error.unreachable;
      const fault = lost && !navigator.onLine ? t('ticket.lost') : errorText(error);
      this.outgoing = this.outgoing.map((x) => (x.key === reply.key ? { ...x, key: lost ? x.key : uid(), fault, lost } : x));
    }
  }

  async decide(decision: Decision, reason = ''): Promise<void> {
    const fields = { ticket_id: this.id };
    // What is decided on is what was shown: a revision made meanwhile is refused and shown instead.
    const version = this.view?.ticket.estimate?.version;
    const seen = version === undefined ? fields : { ...fields, version };
    try {
      if (decision === 'reject_estimate') await ask(decision, { ...seen, reason });
      else if (decision === 'approve_estimate') await ask(decision, seen);
      else if (decision === 'reopen_ticket') await ask(decision, reason ? { ...fields, reason } : fields);
      else await ask(decision, fields);
    } catch (error) {
      if (error instanceof ApiError && error.code === 'estimate_changed') await this.load();
      throw error;
    }
    await this.load();
  }

  /** Says how satisfied the client is. */
  async rate(rating: number, comment: string): Promise<void> {
    await ask('submit_csat', { ticket_id: this.id, rating, comment });
    await this.load();
  }
}
