/** The drafts of whoever is signed in, and which tickets have one: the queue marks them. */
import { SvelteSet } from 'svelte/reactivity';
import { draftedTickets, loadDraft, saveDraft, type Draft, type DraftKind } from '../lib/draft';
import { toast } from '../lib/toast.svelte';
import { afterStart } from '../lib/paint';
import { admin } from './api';
import { t } from './i18n';
import { session } from './session.svelte';

class Drafts {
  readonly tickets = new SvelteSet<number>();
  #warned = false;

  readonly #due = new Map<string, number>();
  #turn: Promise<unknown> = Promise.resolve();

  start(): void {
    for (const id of draftedTickets(session.owner)) this.tickets.add(id);
    afterStart(() => void this.#take());
  }

  /** Takes up what another machine has begun, where nothing was begun here. */
  async #take(): Promise<void> {
    try {
      for (const draft of await admin('list_drafts', {})) {
        const here = this.load(draft.kind, draft.ticket_id);
        if (here.text || here.files.length) continue;
        saveDraft(session.owner, draft.kind, draft.ticket_id, { text: draft.message, files: [] });
        this.tickets.add(draft.ticket_id);
      }
    } catch { /* what is here is enough to go on with */ }
  }

  /** Sends a copy to the server half a second after the last key; the copies go in order. */
  #copy(kind: 'reply' | 'note', ticket: number, message: string): void {
    const key = `${kind} ${ticket}`;
    clearTimeout(this.#due.get(key));
    this.#due.set(key, window.setTimeout(() => {
      this.#due.delete(key);
      this.#turn = this.#turn.then(() => admin('save_draft', { ticket_id: ticket, kind, message })).catch(() => undefined);
    }, 500));
  }

  load(kind: DraftKind, ticket: number): Draft { return loadDraft(session.owner, kind, ticket); }

  save(kind: DraftKind, ticket: number, draft: Draft): void {
    if (!saveDraft(session.owner, kind, ticket, draft) && !this.#warned) {
      this.#warned = true;
      toast(t('draft.not_stored'), { kind: 'error' });
    }
    if (kind === 'new') return;
    this.#copy(kind, ticket, draft.text);
    const other = this.load(kind === 'note' ? 'reply' : 'note', ticket);
    if (draft.text || draft.files.length || other.text || other.files.length) this.tickets.add(ticket);
    else this.tickets.delete(ticket);
  }
}

export const drafts = new Drafts();
