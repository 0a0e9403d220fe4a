/**
 * The list of tickets on the screen: one view with its filters, loaded page by page. Rows change in place as events arrive;
 * a new order waits behind the «N new» pill while somebody points at the list or has scrolled it.
 */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { isAbort } from '../../lib/api';
import type { Row, SavedView, TicketCounts } from '../../lib/types';
import { admin } from '../api';
import { t } from '../i18n';
import { filterCount, isListed, opening, pageOf, pageSize, request, savedId, type Filters, type Sort, type View } from './view';

const largestPage = 100;

class Queue {
  view = $state<View>(opening.view);
  filters = $state<Filters>({ ...opening.filters });
  sort = $state<Sort>(opening.sort);
  ids = $state.raw<readonly number[]>([]);
  total = $state(0);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<unknown>();
  counts = $state.raw<TicketCounts>();
  saved = $state.raw<readonly SavedView[]>([]);
  /** Tickets that are chosen to be changed together, and whether choosing is under way. */
  readonly selected = new SvelteSet<number>();
  selecting = $state(false);
  /** Tickets that wait to be let into the list. */
  fresh = $state(0);
  readonly rows = new SvelteMap<number, Row>();
  readonly list: readonly Row[] = $derived(this.ids.flatMap((id) => this.rows.get(id) ?? []));
  readonly filtered = $derived(filterCount(this.filters) > 0 || this.filters.search.trim() !== '');

  /** The saved view that is shown, if one is. */
  readonly savedView: SavedView | undefined = $derived(this.saved.find((x) => x.id === savedId(this.view)));
  readonly name: string = $derived(isListed(this.view) ? t(`view.${this.view}`) : (this.savedView?.name ?? ''));

  /** Whether any list has been asked for yet. */
  asked = false;
  /** Set by the list: whether rows must stay where they are at this moment. */
  held: () => boolean = () => false;

  #page = 0;
  #more = false;
  #waiting: readonly number[] | undefined;
  #given = new AbortController();
  #syncing = false;
  #again = false;
  #timer = 0;
  #at = 0;

  /** Loads the first page for the present view, filters and order. What is shown stays until the answer is here. */
  async load(): Promise<void> {
    this.asked = true;
    this.#given.abort();
    const given = new AbortController();
    this.#given = given;
    this.#drop();
    this.state = 'loading';
    try {
      if (!isListed(this.view) && !this.savedView) await this.loadSaved();
      const page = await admin('list_tickets', pageOf(this.#request(), 1), { signal: given.signal });
      for (const row of page.tickets) this.rows.set(row.id, row);
      this.ids = page.tickets.map((row) => row.id);
      this.total = page.total;
      this.#page = 1;
      this.state = 'ready';
    } catch (error) {
      if (isAbort(error)) return;
      this.error = error;
      this.state = 'failed';
    }
  }

  /** Shows another view at once, with no rows of the former one. */
  show(view: View): void {
    if (view === this.view && this.asked) return;
    this.view = view;
    const sort = this.savedView?.filter.sort;
    if (sort) this.sort = sort;
    this.deselect();
    this.ids = [];
    this.total = 0;
    void this.load();
  }

  async loadMore(): Promise<void> {
    if (this.#more || this.state !== 'ready' || this.ids.length >= this.total) return;
    this.#more = true;
    const { signal } = this.#given;
    try {
      const page = await admin('list_tickets', pageOf(this.#request(), this.#page + 1), { signal });
      for (const row of page.tickets) this.rows.set(row.id, row);
      const shown = new Set(this.ids);
      this.ids = [...this.ids, ...page.tickets.map((row) => row.id).filter((id) => !shown.has(id))];
      this.total = page.tickets.length ? page.total : this.ids.length;
      this.#page += 1;
    } catch (error) {
      if (!isAbort(error)) this.error = error;
    } finally {
      this.#more = false;
    }
  }

  async loadSaved(): Promise<void> {
    try { this.saved = await admin('list_views', {}); } catch { /* the known ones stay */ }
  }

  #request() { return request(this.view, this.filters, this.sort, this.savedView); }

  deselect(): void { this.selected.clear(); this.selecting = false; }

  /** Chooses a ticket, or no longer. */
  toggle(id: number): void {
    if (!id) return;
    if (!this.selected.delete(id)) this.selected.add(id);
    this.selecting = this.selected.size > 0;
  }

  async count(): Promise<void> {
    try { this.counts = await admin('ticket_counts', {}); } catch { /* the old figures stay; the connection banner tells why */ }
  }

  /** Something has changed on the server: brings the list up to date soon, at most about once a second. */
  touch(): void {
    if (this.#timer) return;
    this.#timer = window.setTimeout(() => { this.#timer = 0; void this.sync(); }, 250);
  }

  async sync(): Promise<void> {
    if (this.#syncing) { this.#again = true; return; }
    if (this.state !== 'ready') return;
    this.#syncing = true;
    const { signal } = this.#given;
    try {
      const limit = Math.min(largestPage, Math.max(pageSize, Math.ceil(this.ids.length / pageSize) * pageSize));
      const [page] = await Promise.all([admin('list_tickets', pageOf(this.#request(), 1, limit), { signal }), this.count()]);
      for (const row of page.tickets) this.rows.set(row.id, row);
      this.total = page.total;
      this.#offer(page.tickets.map((row) => row.id), limit);
    } catch { /* the list stays as it is; the next event or reconnection tries again */ } finally {
      this.#syncing = false;
      if (this.#again) { this.#again = false; window.setTimeout(() => this.touch(), 750); }
    }
  }

  /** Lets the waiting tickets in. */
  release(): void {
    if (this.#waiting) this.ids = this.#waiting;
    this.#drop();
  }

  /** Lets them in when nobody would be disturbed. */
  releaseWhenFree(): void { if (this.#waiting && !this.held()) this.release(); }

  /** Changes a row in place, when it is here; returns what it was. */
  patch(id: number, change: Partial<Row>): Row | undefined {
    const before = this.rows.get(id);
    const differs = before && Object.entries(change).some(([name, value]) => JSON.stringify(before[name as keyof Row]) !== JSON.stringify(value));
    if (differs) this.rows.set(id, { ...before, ...change });
    return before;
  }

  /** Remembers where an opened ticket stands, so that stepping goes on from there after it has left the view. */
  mark(id: number): void {
    const at = this.ids.indexOf(id);
    if (at >= 0) this.#at = at;
  }

  neighbour(id: number, step: number): number | undefined {
    const at = this.ids.indexOf(id);
    const next = at >= 0 ? at + step : this.#at + Math.min(0, step);
    return this.ids[Math.min(this.ids.length - 1, Math.max(0, next))];
  }

  #offer(head: readonly number[], limit: number): void {
    const top = new Set(head);
    const next = this.ids.length > limit ? [...head, ...this.ids.slice(limit).filter((id) => !top.has(id))] : head;
    if (next.length === this.ids.length && next.every((id, i) => id === this.ids[i])) return this.#drop();
    const shown = new Set(this.ids);
    this.#waiting = next;
    this.fresh = next.filter((id) => !shown.has(id)).length;
    this.releaseWhenFree();
  }

  #drop(): void {
    this.#waiting = undefined;
    this.fresh = 0;
  }
}

export const queue = new Queue();
