/** The objects of the wire, named as the server names them. Times are RFC 3339 in UTC. */

export type Locale = 'ru' | 'kk' | 'en';
export type Role = 'operator' | 'supervisor' | 'admin' | 'head_admin';
export type Availability = 'online' | 'away' | 'offline';
export type Status = 'new' | 'estimated' | 'in_progress' | 'on_hold' | 'done' | 'closed' | 'reopened';
export type StatusFilter = Status | 'active' | 'all';
export type Priority = 'low' | 'normal' | 'urgent';
export type Channel = 'email' | 'widget' | 'portal' | 'web' | 'api' | 'telegram' | 'whatsapp' | 'max' | 'phone';
export type AuthorType = 'client' | 'support' | 'system';
export type DeliveryStatus = 'pending' | 'sent' | 'delivered' | 'read' | 'failed';

export interface Operator {
  id: number; name: string; email: string; phone: string | null; role: Role; department: string | null;
  can_edit: boolean; availability: Availability; locale: Locale;
}
/** An operator as `list_operators` shows it. */
export interface OperatorRow {
  id: number; name: string; email: string; role: Role; department: string | null;
  availability: Availability; can_edit: boolean; is_active: boolean; invitation_url?: string;
}
export interface Tenant { id: number; name: string; locale: Locale; timezone: string }
export interface Branding { company_name: string; primary_color: string; logo?: string | null }
export interface Permissions { can_edit: boolean; is_supervisor: boolean; is_admin: boolean; is_head_admin: boolean }
export interface Session { operator: Operator; tenant: Tenant; expires_at: string }
export interface Me { operator: Operator; tenant: Tenant; plan: string; permissions: Permissions; branding: Branding; locale: Locale }

export interface Tag { id: number; name: string; color: string }
export interface Category { code: string; name: string; position: number }

export interface File { id: number; name: string; size: number; mime: string; url: string; inline: boolean; content_id: string | null }

export interface LastMessage { preview: string; author_type: AuthorType; author_name: string; created_at: string; is_note: boolean }
export interface Sla {
  sla_response_at: string | null; sla_resolution_at: string | null;
  sla_response_breached: boolean; sla_resolution_breached: boolean; sla_paused: boolean;
}
/** What a queue row and a ticket have in common. */
export interface TicketBase extends Sla {
  id: number; subject: string; status: Status; priority: Priority; category: string | null;
  portal_domain: string | null; company_name: string | null;
  assigned_to: number | null; assigned_name: string | null;
  created_at: string; updated_at: string; creator_name: string | null;
  message_count: number; unread_count: number; channel: Channel; tags: Tag[];
  first_response_at: string | null; snoozed_until: string | null;
}
export interface Row extends TicketBase { last_message: LastMessage | null }

export interface Estimate {
  version: number; hours: number; cost: number | null; currency: string | null; description: string;
  status: 'pending' | 'approved' | 'rejected' | 'superseded';
  created_at: string; decided_at: string | null; decided_by: string | null; reason: string | null;
}
export interface TicketClient {
  portal_domain: string; company_name: string; tariff_plan: string | null;
  hours_per_month: number | null; hours_used: number; notes: string | null;
}
export interface OtherTicket { id: number; subject: string; status: Status; updated_at: string }
export interface Ticket extends TicketBase {
  description: string; creator_email: string | null; creator_phone: string | null;
  estimate: Estimate | null; csat: number | null; result: string | null; merged_into: number | null;
  hours_spent: number | null; closed_at: string | null; done_at: string | null; reference: number;
  can: { transitions: Status[] }; version: number;
  client: TicketClient | null; other_tickets: OtherTicket[]; previous_ticket: number | null;
}
export interface Message {
  id: number; message: string; html: string | null; quoted_from: number | null;
  author_type: AuthorType; author_name: string; is_note: boolean;
  created_at: string; edited_at: string | null; deleted_at: string | null;
  delivery_status: DeliveryStatus | null; delivery_error: string | null; channel: Channel | null;
  files: File[]; unverified: boolean; auto: boolean;
  /** The operator who wrote it; only staff are told. */
  operator_id: number | null;
}
export interface Change {
  id: number; at: string; actor_type: 'operator' | 'client' | 'system' | 'rule'; actor_name: string | null;
  kind: string; from: string | null; to: string | null; note: string | null;
}
export interface TicketView { ticket: Ticket; messages: Message[]; files: File[]; history: Change[] }
export interface TicketPage { tickets: Row[]; total: number; page: number; limit: number }
export interface TicketCounts {
  active: number; mine: number; unassigned: number; new: number; in_progress: number; estimated: number;
  on_hold: number; reopened: number; done: number; closed: number; all: number; unread: number;
}
export interface Client {
  portal_domain: string; company_name: string; tariff_plan: string | null;
  hours_per_month: number | null; hours_used: number;
  ticket_stats: { open: number; done_month: number; total: number };
  locale: Locale | null; is_active: boolean; responsible_id: number | null; notes: string | null;
}
export interface Contact { id: number; name: string; phone: string | null; email: string | null; photo: string | null; portal_domain: string | null }
export interface ClientToken { token: string; expires_in: number; portal_url: string; embed_url: string }
export interface QuickReply { id: number; title: string; content: string; shortcut: string | null }
export interface Dashboard {
  total_open: number; total_new: number; total_in_progress: number; total_done: number; total_on_hold: number;
  avg_response_min: number | null; avg_resolution_hours: number | null; sla_compliance_pct: number | null;
  per_portal: { portal_domain: string; company_name: string; open: number; new: number }[];
}
export type Security = 'none' | 'starttls' | 'tls';
export interface EmailConfig {
  address: string; from_name: string; signature?: string;
  smtp?: { host: string; port: number; security: Security; username?: string; password?: string };
  inbound:
    | { provider: 'smtp' }
    | { provider: 'mailgun'; signing_key: string }
    | { provider: 'sendgrid'; secret: string }
    | { provider: 'imap'; host: string; port: number; security: Security; username: string; password: string; folder: string };
}
export interface ChannelRow { id: number; type: string; name: string; is_active: boolean; config: EmailConfig }
export interface ChannelStatus {
  id: number; type: string; name: string; is_active: boolean; status: 'connected' | 'error' | 'disabled';
  last_error: string | null; last_inbound_at: string | null; last_outbound_at: string | null;
  queued: number; webhook_url: string | null;
}
export interface WidgetSettings { api_key: string; embed_code: string; allowed_origins: string[] }
export interface Viewer { operator_id: number; name: string; is_typing: boolean }

/** A ticket as its client sees it. */
export interface ClientTicket {
  id: number; subject: string; description: string; status: Status; priority: Priority; category: string | null;
  created_at: string; updated_at: string; closed_at: string | null; assigned_name: string | null;
  message_count: number; unread_count: number; estimate: Estimate | null; csat: number | null; result: string | null;
}
export interface ClientTicketPage { tickets: ClientTicket[]; total: number; page: number; limit: number }
export interface ClientTicketView { ticket: ClientTicket; messages: Message[]; files: File[]; history: Change[] }
export interface ClientMe { user_id: number; user_name: string; portal_domain: string; company_name: string; locale: Locale; branding: Branding }
export interface ClientDashboard {
  open: number; waiting: number; done: number; total: number;
  hours_per_month: number | null; hours_used: number; hours_left: number | null;
}

/** What the live connection says. Events carry no content: the page fetches what they name. */
export interface LiveEvent {
  type: 'event'; seq: number; kind: string; ticket_id: number;
  message_id?: number; actor_id?: number; is_note?: boolean; author_type?: AuthorType;
}
export type LiveFrame =
  | { type: 'hello'; seq: number; operator_id: number }
  | LiveEvent
  | { type: 'presence'; ticket_id: number; viewers: Viewer[] }
  | { type: 'resync' } | { type: 'bye' } | { type: 'pong' };
