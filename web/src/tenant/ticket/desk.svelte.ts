/**
 * The tickets that have been opened. A change shows at once, goes to the server in order, and is rolled back with a reason
 * when refused. What the server answers replaces what was guessed.
 */
import { SvelteMap } from 'svelte/reactivity';
import { ApiError, isAbort } from '../../lib/api';
import type { TicketChange } from '../../lib/actions';
import { errorText } from '../../lib/error';
import { afterPaint } from '../../lib/paint';
import { go, href } from '../../lib/router.svelte';
import { toast } from '../../lib/toast.svelte';
import type { Row, Ticket, TicketView } from '../../lib/types';
import { admin } from '../api';
import { t, type TenantKey } from '../i18n';
import { live } from '../live.svelte';
import { queue } from '../queue/queue.svelte';

const kept = 40;

/** A change that was not made, because somebody else had changed the same field meanwhile. */
export interface Conflict {
  ticket: number; field: 'status' | 'priority' | 'category' | 'subject' | 'assigned_to' | 'due_at' | 'snoozed_until'; label: string; wanted: Partial<Ticket>;
  apply: () => void;
}

/** What the fields are to be, of those that somebody else may set too. */
type Wanted = Partial<Pick<Ticket, Conflict['field'] | 'result'>>;

/** The fields of a ticket that a queue row shows too. */
function rowFields(ticket: Partial<Ticket>): Partial<Row> {
  const names = ['subject', 'status', 'priority', 'category', 'portal_domain', 'company_name', 'assigned_to', 'assigned_name', 'updated_at', 'message_count', 'tags',
    'sla_response_at', 'sla_resolution_at', 'sla_response_breached', 'sla_resolution_breached', 'sla_paused', 'first_response_at', 'snoozed_until'] as const;
  return Object.fromEntries(names.filter((name) => name in ticket).map((name) => [name, ticket[name]]));
}

class Desk {
  current = $state(0);
  /** Why the current ticket cannot be shown. */
  failure = $state.raw<unknown>();
  /** What waits for a word: theirs or mine. */
  conflicts = $state.raw<readonly Conflict[]>([]);
  readonly #views = new SvelteMap<number, TicketView>();
  readonly #order = new Map<number, Promise<unknown>>();
  #given = new AbortController();
  readonly #loading = new Set<number>();
  readonly #pending = new Set<number>();
  #resting = 0;

  get view(): TicketView | undefined { return this.#views.get(this.current); }
  peek(id: number): TicketView | undefined { return this.#views.get(id); }

  async open(id: number): Promise<void> {
    this.current = id;
    this.failure = undefined;
    queue.mark(id);
    // What is known is drawn first. The server, and the colleagues, are told of it by whoever stays.
    if (this.#views.has(id) || !id) await new Promise<void>((resolve) => { afterPaint(resolve); });
    if (this.current !== id) return;
    this.#given.abort();
    live.view(id);
    await this.reload();
    // The next keys are likely to lead to its neighbours.
    for (const step of [1, -1, 2, -2]) if (this.current === id) await this.prefetch(queue.neighbour(id, step));
  }

  /** Fetches the current ticket anew; a session's reading marks its messages read. */
  async reload(): Promise<void> {
    const id = this.current;
    if (!id) return;
    const given = new AbortController();
    this.#given = given;
    try {
      const view = await admin('get_ticket', { ticket_id: id }, { signal: given.signal });
      // A change still on its way is newer than this answer.
      const shown = this.#pending.has(id) ? this.#views.get(id) : undefined;
      this.#keep(shown ? { ...view, ticket: shown.ticket } : view);
      const unread = queue.rows.get(id)?.unread_count;
      queue.patch(id, { ...(shown ? {} : rowFields(view.ticket)), unread_count: 0 });
      if (unread) void queue.count();
    } catch (error) {
      if (!isAbort(error) && this.current === id) this.failure = error;
    }
  }

  /** Fetches a ticket that may be opened next, without marking its messages read. */
  async prefetch(id: number | undefined): Promise<void> {
    if (!id || this.#views.has(id) || this.#loading.has(id)) return;
    this.#loading.add(id);
    try { this.#keep(await admin('get_ticket', { ticket_id: id, mark_read: false })); } catch { /* it is fetched again when opened */ } finally { this.#loading.delete(id); }
  }

  /** The pointer rests on a ticket (0: on none): it is likely to be opened. */
  rest(id: number): void {
    clearTimeout(this.#resting);
    if (id) this.#resting = window.setTimeout(() => void this.prefetch(id), 80);
  }

  /** Something about a ticket has changed on the server. */
  changed(id: number): void {
    if (id === this.current) void this.reload();
    else this.#views.delete(id);
  }
  forget(): void { for (const id of [...this.#views.keys()]) if (id !== this.current) this.#views.delete(id); }

  /** Replaces the ticket by what the server says it is now. */
  put(ticket: Ticket): void {
    const view = this.#views.get(ticket.id);
    if (view) this.#views.set(ticket.id, { ...view, ticket });
    queue.patch(ticket.id, rowFields(ticket));
  }

  /** Applies `guess` at once and sends `action`; `label` names the change when it is refused. */
  async act(id: number, guess: Partial<Ticket>, label: string, action: () => Promise<Ticket>): Promise<Ticket | undefined> {
    const before = this.#views.get(id);
    const row = queue.patch(id, rowFields(guess));
    if (before) this.#views.set(id, { ...before, ticket: { ...before.ticket, ...guess } });
    const turn = (this.#order.get(id) ?? Promise.resolve()).catch(() => undefined).then(action);
    this.#order.set(id, turn);
    this.#pending.add(id);
    const settled = () => { if (this.#order.get(id) === turn) this.#pending.delete(id); };
    try {
      const ticket = await turn;
      settled();
      this.put(ticket);
      void this.#history(id);
      queue.touch();
      return ticket;
    } catch (error) {
      settled();
      const view = this.#views.get(id);
      if (before && view) this.#views.set(id, { ...view, ticket: before.ticket });
      if (row) queue.patch(id, row);
      if (error instanceof ApiError && error.code === 'conflict') return undefined;
      const retry = { label: t('common.retry'), run: () => void this.act(id, guess, label, action) };
      toast(t('act.refused', { what: label, why: errorText(error) }), error instanceof ApiError && error.unreachable ? { kind: 'error', action: retry } : { kind: 'error' });
      return undefined;
    }
  }

  /** Changes fields, never silently over somebody else's change of the same field. */
  update(id: number, change: TicketChange, guess: Partial<Ticket>, label: string): Promise<Ticket | undefined> {
    return this.guarded(id, change as Wanted, guess, label, (version) => admin('update_ticket', { ticket_id: id, ...change, ...version }));
  }

  /** Does what sets the fields of `wanted`, unless somebody else has set one of them meanwhile; what was set beside them stays. */
  guarded(id: number, wanted: Wanted, guess: Partial<Ticket>, label: string, send: (version: { version?: number }) => Promise<Ticket>): Promise<Ticket | undefined> {
    const base = this.#views.get(id)?.ticket;
    return this.act(id, guess, label, () => this.#guarded(id, wanted, guess, label, send, base));
  }

  async #guarded(id: number, wanted: Wanted, guess: Partial<Ticket>, label: string, send: (version: { version?: number }) => Promise<Ticket>, base: Ticket | undefined): Promise<Ticket> {
    let version = this.#views.get(id)?.ticket.version ?? base?.version;
    for (;;) {
      try {
        return await send(version === undefined ? {} : { version });
      } catch (error) {
        const current = error instanceof ApiError && error.code === 'conflict' ? (error.details.current as Ticket | undefined) : undefined;
        if (!current || !base) throw error;
        const fields = Object.keys(wanted).filter((name): name is keyof Wanted => name in base);
        // Both wanted the same.
        if (fields.length && fields.every((name) => current[name] === wanted[name])) return current;
        // What somebody has written as the result is no choice between two: the server says what is to be said of it.
        const clash = fields.find((name): name is Conflict['field'] => name !== 'result' && current[name] !== wanted[name] && JSON.stringify(current[name]) !== JSON.stringify(base[name]));
        if (!clash && version !== current.version) {
          version = current.version;
          continue;
        }
        window.setTimeout(() => this.put(current));
        if (!clash) throw error;
        const apply = () => void this.act(id, guess, label, () => send({}));
        this.conflicts = [...this.conflicts.filter((x) => x.ticket !== id || x.field !== clash), { ticket: id, field: clash, label, wanted: guess, apply }];
        if (id !== this.current) toast(t('act.conflict', { id, what: label }), { kind: 'error', ms: 20_000, action: { label: t('act.conflict_show'), run: () => go(href('t', id)) } });
        else void this.reload();
        throw error;
      }
    }
  }

  /** Ends a conflict: what the other has set stays, or one's own goes over it. */
  settle(conflict: Conflict, mine = false): void {
    this.conflicts = this.conflicts.filter((x) => x !== conflict);
    if (mine) conflict.apply();
  }

  /** Runs one change of `messages` of a ticket that is open. */
  messages(id: number, change: (messages: TicketView['messages']) => TicketView['messages']): void {
    const view = this.#views.get(id);
    if (view) this.#views.set(id, { ...view, messages: change(view.messages) });
  }

  async #history(id: number): Promise<void> {
    if (id === this.current) await this.reload();
    else this.#views.delete(id);
  }

  #keep(view: TicketView): void {
    const id = view.ticket.id;
    const was = this.#views.get(id);
    // An answer that brings nothing new draws nothing anew.
    const same = was && JSON.stringify(was) === JSON.stringify(view);
    if (same && id === this.current) return;
    this.#views.delete(id);
    this.#views.set(id, same ? was : view);
    for (const old of this.#views.keys()) {
      if (this.#views.size <= kept) break;
      if (old !== this.current) this.#views.delete(old);
    }
  }
}

export const desk = new Desk();

/** The name of a field for sentences about a change. */
export const fieldName = (field: 'status' | 'priority' | 'category' | 'assignee' | 'tags' | 'subject' | 'estimate' | 'due' | 'snooze'): string => t(`field.${field}` satisfies TenantKey);
