/** Brings what the list of tickets shows. */
import type { CallOptions } from '../lib/api';
import { href, route } from '../lib/router.svelte';
import type { ClientDashboard, ClientTicketPage } from '../lib/types';
import { ask } from './api';
import { listing, ticketsOf, type Listing } from './first';

type Listed = [ClientTicketPage, ClientDashboard];

export function addressOf({ show, words, page }: Listing): string {
  const query = new URLSearchParams();
  if (show !== 'active') query.set('show', show);
  if (words) query.set('q', words);
  if (page > 1) query.set('page', String(page));
  return `${href()}${query.toString() ? `?${query}` : ''}`;
}

const askFor = (wanted: Listing, options?: CallOptions): Promise<Listed> => Promise.all([
  ask('list_tickets', ticketsOf(wanted), options),
  ask('client_dashboard', {}, options),
]);

const fresh = 5_000;
let ahead: { of: string; at: number; answer: Promise<Listed> } | undefined;

/** Asks for the list of a page that is about to show it. */
export function askAhead(): void {
  if (route.parts.length) return;
  const wanted = listing(route);
  ahead = { of: addressOf(wanted), at: Date.now(), answer: askFor(wanted) };
  ahead.answer.catch(() => undefined); // the list tells of it
}

export function load(wanted: Listing, options: CallOptions): Promise<Listed> {
  const early = ahead;
  ahead = undefined;
  return early?.of === addressOf(wanted) && Date.now() - early.at < fresh ? early.answer : askFor(wanted, options);
}
