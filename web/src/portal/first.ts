/** What the list of tickets shows, as its address says, and the questions of the portal's first page. No state: `boot/portal.ts` asks them too. */
import type { In } from '../lib/actions';
import type { StatusFilter } from '../lib/types';

export const filters = ['active', 'done', 'all'] as const satisfies readonly StatusFilter[];
const limit = 20;

export interface Listing { show: (typeof filters)[number]; words: string; page: number }

/** What the address in the bar asks for, so that Back and a bookmark bring it again. */
export function listing({ query }: { query: URLSearchParams }): Listing {
  return { show: filters.find((x) => x === query.get('show')) ?? 'active', words: query.get('q') ?? '', page: Math.max(1, Number(query.get('page')) || 1) };
}

export const ticketsOf = ({ show, words, page }: Listing): In<'client', 'list_tickets'> => ({ status: words ? 'all' : show, search: words, page, limit });

/** Whether there is anything to read. */
export const anyArticle: In<'client', 'kb_articles'> = { limit: 1 };
