/** The views of the queue and the filters over them, as the server understands them. */
import type { ListTickets } from '../../lib/actions';
import type { IconName } from '../../lib/ui/icons';
import type { SavedView, TicketCounts } from '../../lib/types';

export const views = ['active', 'mine', 'unassigned', 'following', 'snoozed', 'new', 'in_progress', 'estimated', 'on_hold', 'reopened', 'done', 'closed', 'all'] as const;
export type Listed = (typeof views)[number];
/** A view of the desk's own, or one that somebody saved. */
export type View = Listed | `saved-${number}`;
export const isListed = (view: View): view is Listed => views.includes(view as Listed);
export const isView = (name: string | undefined): name is View => views.includes(name as Listed) || /^saved-\d+$/.test(name ?? '');
export const savedId = (view: View): number => (isListed(view) ? 0 : Number(view.slice('saved-'.length)));

export const viewIcons: Readonly<Record<Listed, IconName>> = {
  active: 'inbox', mine: 'user', unassigned: 'users', following: 'eye', snoozed: 'clock', new: 'zap', in_progress: 'play', estimated: 'estimate',
  on_hold: 'hold', reopened: 'refresh', done: 'done', closed: 'archive', all: 'layers',
};
/** What is put aside is out of the active ones' sight. */
export const countOf = (counts: TicketCounts | undefined, view: Listed): number | undefined => (counts && view === 'active' ? counts.active - counts.snoozed : counts?.[view]);

export const sorts = ['sla', 'created_at', 'updated_at', 'priority'] as const;
export type Sort = (typeof sorts)[number];

export interface Filters { search: string; priority: string; category: string; tag: string; assigned_to: string; channel: string; portal_domain: string }
export const noFilters: Readonly<Filters> = { search: '', priority: '', category: '', tag: '', assigned_to: '', channel: '', portal_domain: '' };

/** How many filters besides the search are on. */
export const filterCount = (filters: Filters): number => Object.entries(filters).filter(([name, value]) => name !== 'search' && value).length;

function base(view: View, saved: SavedView | undefined): ListTickets {
  if (!isListed(view)) return { ...saved?.filter } as ListTickets;
  if (view === 'active') return { status: 'active', snoozed: false };
  if (view === 'mine') return { status: 'active', assigned_to: 'me', snoozed: false };
  if (view === 'unassigned') return { status: 'active', assigned_to: 'none', snoozed: false };
  if (view === 'following') return { status: 'active', following: true };
  if (view === 'snoozed') return { status: 'active', snoozed: true };
  return { status: view };
}

export function request(view: View, filters: Filters, sort: Sort, saved?: SavedView): ListTickets {
  const { assigned_to, search, ...rest } = filters;
  const chosen = Object.fromEntries(Object.entries(rest).filter(([, value]) => value)) as Partial<ListTickets>;
  const who = assigned_to === 'me' || assigned_to === 'none' ? assigned_to : Number(assigned_to);
  return {
    ...base(view, saved), ...chosen,
    ...(search.trim() ? { search: search.trim() } : {}),
    ...(assigned_to ? { assigned_to: who } : {}),
    sort, order: sort === 'sla' ? 'asc' : 'desc',
  };
}

/** How many rows come at a time: more than a screen shows. */
export const pageSize = 25;
export type Page = ListTickets & { page: number; limit: number };
export const pageOf = (wanted: ListTickets, page: number, limit = pageSize): Page => ({ ...wanted, page, limit });
/** What the desk opens with. */
export const opening = { view: 'active', filters: noFilters, sort: 'sla' } as const satisfies { view: View; filters: Filters; sort: Sort };
