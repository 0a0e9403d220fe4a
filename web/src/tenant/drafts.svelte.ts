/** The drafts of whoever is signed in, and which tickets have one: the queue marks them. */
import { SvelteSet } from 'svelte/reactivity';
import { draftedTickets, loadDraft, saveDraft, type Draft, type DraftKind } from '../lib/draft';
import { toast } from '../lib/toast.svelte';
import { t } from './i18n';
import { session } from './session.svelte';

class Drafts {
  readonly tickets = new SvelteSet<number>();
  #warned = false;

  start(): void { for (const id of draftedTickets(session.owner)) this.tickets.add(id); }

  load(kind: DraftKind, ticket: number): Draft { return loadDraft(session.owner, kind, ticket); }

  save(kind: DraftKind, ticket: number, draft: Draft): void {
    if (!saveDraft(session.owner, kind, ticket, draft) && !this.#warned) {
      this.#warned = true;
      toast(t('draft.not_stored'), { kind: 'error' });
    }
    if (kind === 'new') return;
    const other = this.load(kind === 'note' ? 'reply' : 'note', ticket);
    if (draft.text || draft.files.length || other.text || other.files.length) this.tickets.add(ticket);
    else this.tickets.delete(ticket);
  }
}

export const drafts = new Drafts();
