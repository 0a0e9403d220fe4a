/** Every action of the server, typed from its OpenAPI document: what goes in and what comes out. */
import type { actions } from './schema';
import type { Answer, ChannelRow } from './types';

export type Surface = 'admin' | 'client';
export type Action<S extends Surface> = keyof actions[S] & string;
interface Does { in: unknown; out: unknown }
type Entry<S extends Surface, A extends Action<S>> = actions[S][A] extends Does ? actions[S][A] : never;

/** Answers whose config the document leaves open. */
interface Known { list_channels: ChannelRow[] }

export type In<S extends Surface, A extends Action<S>> = Entry<S, A>['in'];
export type Out<S extends Surface, A extends Action<S>> = A extends keyof Known ? Known[A] : Answer<Entry<S, A>['out']>;

export type ListTickets = In<'admin', 'list_tickets'>;
export type TicketChange = Omit<In<'admin', 'update_ticket'>, 'ticket_id'>;
export type NewTicket = In<'admin', 'create_ticket'>;
export type ClientSettings = In<'admin', 'client_settings'>['data'];
