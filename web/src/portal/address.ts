/** The list's address says what it shows, so that Back and a bookmark bring it again. */
import { href } from '../lib/router.svelte';

export function listAddress({ show, q, page }: { show: string; q: string; page: number }): string {
  const query = new URLSearchParams();
  if (show !== 'active') query.set('show', show);
  if (q) query.set('q', q);
  if (page > 1) query.set('page', String(page));
  return `${href()}${query.toString() ? `?${query}` : ''}`;
}
