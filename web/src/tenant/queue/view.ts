/** The views of the queue and the filters over them, as the server understands them. */
import type { ListTickets } from '../../lib/actions';
import type { IconName } from '../../lib/ui/icons';
import type { TicketCounts } from '../../lib/types';

export const views = ['active', 'mine', 'unassigned', 'new', 'in_progress', 'estimated', 'on_hold', 'reopened', 'done', 'closed', 'all'] as const;
export type View = (typeof views)[number];
export const isView = (name: string | undefined): name is View => views.includes(name as View);

export const viewIcons: Readonly<Record<View, IconName>> = {
  active: 'inbox', mine: 'user', unassigned: 'users', new: 'zap', in_progress: 'play', estimated: 'estimate',
  on_hold: 'hold', reopened: 'refresh', done: 'done', closed: 'archive', all: 'layers',
};
export const countOf = (counts: TicketCounts | undefined, view: View): number | undefined => counts?.[view];

export const sorts = ['sla', 'created_at', 'updated_at', 'priority'] as const;
export type Sort = (typeof sorts)[number];

export interface Filters { search: string; priority: string; category: string; tag: string; assigned_to: string; channel: string; portal_domain: string }
export const noFilters: Readonly<Filters> = { search: '', priority: '', category: '', tag: '', assigned_to: '', channel: '', portal_domain: '' };

/** How many filters besides the search are on. */
export const filterCount = (filters: Filters): number => Object.entries(filters).filter(([name, value]) => name !== 'search' && value).length;

export function request(view: View, filters: Filters, sort: Sort): ListTickets {
  const base: ListTickets = view === 'mine' ? { status: 'active', assigned_to: 'me' } : view === 'unassigned' ? { status: 'active', assigned_to: 'none' } : { status: view };
  const { assigned_to, search, ...rest } = filters;
  const chosen = Object.fromEntries(Object.entries(rest).filter(([, value]) => value)) as Partial<ListTickets>;
  const who = assigned_to === 'me' || assigned_to === 'none' ? assigned_to : Number(assigned_to);
  return {
    ...base, ...chosen,
    ...(search.trim() ? { search: search.trim() } : {}),
    ...(assigned_to ? { assigned_to: who } : {}),
    sort, order: sort === 'sla' ? 'asc' : 'desc',
  };
}
