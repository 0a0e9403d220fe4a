/** Every action the pages call: what goes in and what comes out. */
import type {
  Branding, Category, ChannelRow, ChannelStatus, Client, ClientDashboard, ClientMe, ClientTicket, ClientTicketPage, ClientTicketView,
  ClientToken, Contact, Dashboard, EmailConfig, File, Locale, Me, Message, OperatorRow, Priority, QuickReply, Role, Session, Status,
  StatusFilter, Tag, Ticket, TicketCounts, TicketPage, TicketView, Viewer, WidgetSettings,
} from './types';

interface Does<In, Out> { in: In; out: Out }
type Nothing = Record<never, never>;
interface Deleted { id: number; deleted: true }
interface OfTicket { ticket_id: number }

export interface ListTickets {
  status?: StatusFilter; priority?: Priority; category?: string; search?: string; portal_domain?: string;
  assigned_to?: number | 'me' | 'none'; tag?: string; channel?: string; updated_since?: string;
  sort?: 'created_at' | 'updated_at' | 'priority' | 'sla'; order?: 'asc' | 'desc'; page?: number; limit?: number;
}
export interface TicketChange {
  subject?: string; priority?: Priority; category?: string; status?: Status; assigned_to?: number | null;
  tags?: string[]; portal_domain?: string; due_at?: string | null; version?: number;
}
export interface NewTicket {
  subject: string; description: string; priority?: Priority; category?: string; portal_domain?: string;
  contact_name?: string; contact_email?: string; contact_phone?: string; assigned_to?: number; tags?: string[];
}
export interface ClientSettings {
  company_name?: string; tariff_plan?: string; hours_per_month?: number | null; responsible_id?: number | null;
  locale?: Locale; notes?: string; is_active?: boolean;
}

export interface AdminActions {
  admin_login: Does<{ login: string; password: string; remember?: boolean; totp?: string }, Session>;
  admin_logout: Does<Nothing, unknown>;
  me: Does<Nothing, Me>;
  change_password: Does<{ password: string; new_password: string }, unknown>;
  request_password_reset: Does<{ login: string }, unknown>;
  reset_password: Does<{ token: string; password: string }, unknown>;
  save_profile: Does<{ locale?: Locale; name?: string }, unknown>;
  setup_status: Does<Nothing, { needed: boolean }>;
  complete_setup: Does<{ token: string; company_name: string; name: string; email: string; password: string; locale?: Locale }, Session>;

  list_tickets: Does<ListTickets, TicketPage>;
  ticket_counts: Does<Nothing, TicketCounts>;
  get_ticket: Does<OfTicket & { mark_read?: boolean }, TicketView>;
  create_ticket: Does<NewTicket, Ticket>;
  update_ticket: Does<OfTicket & TicketChange, Ticket>;
  take_ticket: Does<OfTicket, Ticket>;
  reassign_ticket: Does<OfTicket & { assigned_to: number }, Ticket>;
  complete_ticket: Does<OfTicket & { result: string; hours_spent?: number }, Ticket>;
  hold_ticket: Does<OfTicket & { reason?: string }, Ticket>;
  resume_ticket: Does<OfTicket & { reason?: string }, Ticket>;
  reopen_ticket: Does<OfTicket & { reason?: string }, Ticket>;
  set_estimate: Does<OfTicket & { hours: number; description: string; cost?: number }, Ticket>;
  add_ticket_tag: Does<OfTicket & { tag_id?: number; name?: string }, Ticket>;
  remove_ticket_tag: Does<OfTicket & { tag_id?: number; name?: string }, Ticket>;

  add_message: Does<OfTicket & { message: string; is_note?: boolean; file_ids?: number[] }, Message>;
  edit_message: Does<{ message_id: number; message: string }, Message>;
  delete_message: Does<{ message_id: number }, Deleted>;
  retry_message: Does<{ message_id: number }, Message>;
  upload_file: Does<Nothing, { files: File[] }>;
  typing: Does<OfTicket & { is_typing: boolean }, unknown>;
  presence: Does<OfTicket, { viewers: Viewer[] }>;

  list_tags: Does<Nothing, Tag[]>;
  create_tag: Does<{ name: string; color: string }, Tag>;
  delete_tag: Does<{ tag_id: number }, Deleted>;
  list_categories: Does<Nothing, Category[]>;
  list_operators: Does<Nothing, OperatorRow[]>;
  add_operator: Does<{ name: string; email: string; phone?: string; role: Role; department?: string; password?: string }, OperatorRow>;
  list_clients: Does<{ search?: string }, Client[]>;
  create_client: Does<ClientSettings & { portal_domain: string; company_name: string }, Client>;
  client_settings: Does<{ portal_domain: string; data: ClientSettings }, Client>;
  list_contacts: Does<{ portal_domain?: string; search?: string }, Contact[]>;
  save_contact: Does<{ contact_id?: number; name: string; phone?: string; email?: string; portal_domain?: string }, Contact>;
  create_client_token: Does<{ portal_domain: string; user_id: number; user_name: string; ttl: number }, ClientToken>;
  dashboard: Does<Nothing, Dashboard>;

  list_quick_replies: Does<Nothing, QuickReply[]>;
  save_quick_reply: Does<{ quick_reply_id?: number; title: string; content: string; shortcut?: string }, QuickReply>;
  delete_quick_reply: Does<{ quick_reply_id: number }, Deleted>;
  list_channels: Does<Nothing, ChannelRow[]>;
  create_channel: Does<{ type: 'email'; name: string; config: EmailConfig }, ChannelRow>;
  update_channel: Does<{ channel_id: number; name?: string; is_active?: boolean; config?: EmailConfig }, ChannelRow>;
  delete_channel: Does<{ channel_id: number }, Deleted>;
  test_channel: Does<{ channel_id: number }, { server: string }>;
  get_channels_status: Does<Nothing, ChannelStatus[]>;
  get_widget_settings: Does<Nothing, WidgetSettings>;
  save_widget_settings: Does<{ allowed_origins: string[] }, WidgetSettings>;
}

export interface ClientActions {
  me: Does<Nothing, ClientMe>;
  branding: Does<Nothing, Branding>;
  create_ticket: Does<{ subject: string; description: string; priority?: Priority; category?: string }, ClientTicket>;
  list_tickets: Does<{ page?: number; limit?: number; search?: string; status?: StatusFilter }, ClientTicketPage>;
  get_ticket: Does<OfTicket, ClientTicketView>;
  add_message: Does<OfTicket & { message: string }, Message>;
  accept_ticket: Does<OfTicket, ClientTicket>;
  reopen_ticket: Does<OfTicket & { reason?: string }, ClientTicket>;
  approve_estimate: Does<OfTicket, ClientTicket>;
  reject_estimate: Does<OfTicket & { reason: string }, ClientTicket>;
  client_dashboard: Does<Nothing, ClientDashboard>;
  list_categories: Does<Nothing, Category[]>;
  set_locale: Does<{ locale: Locale }, unknown>;
}

export interface Actions { admin: AdminActions; client: ClientActions }
export type Surface = keyof Actions;
export type Action<S extends Surface> = keyof Actions[S] & string;
export type In<S extends Surface, A extends Action<S>> = Actions[S][A] extends Does<infer I, unknown> ? I : never;
export type Out<S extends Surface, A extends Action<S>> = Actions[S][A] extends Does<infer _, infer O> ? O : never;
