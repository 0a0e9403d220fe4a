/** What the list of tickets shows, and where its address says which of them. */
import type { CallOptions } from '../lib/api';
import { href, route } from '../lib/router.svelte';
import type { ClientDashboard, ClientTicketPage, StatusFilter } from '../lib/types';
import { ask } from './api';

export const filters = ['active', 'done', 'all'] as const satisfies readonly StatusFilter[];
const limit = 20;

export interface Listing { show: (typeof filters)[number]; words: string; page: number }
type Listed = [ClientTicketPage, ClientDashboard];

/** What the address in the bar asks for, so that Back and a bookmark bring it again. */
export function listing({ query }: { query: URLSearchParams } = route): Listing {
  return { show: filters.find((x) => x === query.get('show')) ?? 'active', words: query.get('q') ?? '', page: Math.max(1, Number(query.get('page')) || 1) };
}

export function addressOf({ show, words, page }: Listing): string {
  const query = new URLSearchParams();
  if (show !== 'active') query.set('show', show);
  if (words) query.set('q', words);
  if (page > 1) query.set('page', String(page));
  return `${href()}${query.toString() ? `?${query}` : ''}`;
}

const askFor = ({ show, words, page }: Listing, options?: CallOptions): Promise<Listed> => Promise.all([
  ask('list_tickets', { status: words ? 'all' : show, search: words, page, limit }, options),
  ask('client_dashboard', {}, options),
]);

const fresh = 5_000;
let ahead: { of: string; at: number; answer: Promise<Listed> } | undefined;

/** Asks for the list of a page that is about to show it. */
export function askAhead(): void {
  if (route.parts.length) return;
  const wanted = listing();
  ahead = { of: addressOf(wanted), at: Date.now(), answer: askFor(wanted) };
  ahead.answer.catch(() => undefined); // the list tells of it
}

export function load(wanted: Listing, options: CallOptions): Promise<Listed> {
  const early = ahead;
  ahead = undefined;
  return early?.of === addressOf(wanted) && Date.now() - early.at < fresh ? early.answer : askFor(wanted, options);
}
