/**
 * The objects of the wire under the names the pages use. Their shapes are those of the server's OpenAPI document
 * (`schema.d.ts`), which calls a field that may be null optional, though answers always carry it.
 */
import type { components } from './schema';

type Schemas = components['schemas'];
/** An answer as it arrives: every field is there. */
export type Answer<T> = T extends readonly (infer U)[] ? Answer<U>[] : T extends object ? { [K in keyof T]-?: Answer<Exclude<T[K], undefined>> } : T;
type Of<Name extends keyof Schemas> = Answer<Schemas[Name]>;

export type Locale = Schemas['Lang'];
export type Role = Schemas['Role'];
export type Availability = Schemas['Availability'];
export type Scope = Schemas['Scope'];
export type Status = Schemas['Status'];
export type StatusFilter = Schemas['StatusFilter'];
export type Priority = Schemas['Priority'];
export type Channel = Schemas['Origin'];
export type AuthorType = Schemas['Author'];
export type DeliveryStatus = Schemas['Delivery'];

export type Operator = Of<'OperatorView'>;
export type OperatorRow = Operator;
export type ApiKey = Of<'KeyView'>;
export type SessionRow = Of<'SessionView'>;
export type MobileSessionRow = Of<'MobileSessionView'>;
export type TotpSecret = Of<'TotpSecret'>;
export type Tenant = Of<'TenantView'>;
export type Branding = Of<'BrandingView'>;
export type Permissions = Of<'Permissions'>;
export type Me = Of<'Identity'>;

export type Tag = Of<'TagView'>;
export type Category = Of<'CategoryView'>;
export type File = Of<'FileView'>;
export type LastMessage = Of<'LastMessage'>;
export type Row = Of<'TicketRow'>;
/** What a queue row and a ticket have in common. */
export type TicketBase = Omit<Row, 'last_message'>;
export type Sla = Pick<Row, 'sla_response_at' | 'sla_resolution_at' | 'sla_response_breached' | 'sla_resolution_breached' | 'sla_paused'>;
export type Estimate = Of<'EstimateView'>;
export type Csat = Of<'CsatView'>;
export type TimeEntry = Of<'TimeEntryView'>;
export type Explained = Of<'Explained'>;
export type SlaClock = Of<'ClockView'>;
export type TicketClient = Of<'ClientCard'>;
export type Ticket = Of<'TicketView'>;
export type Message = Of<'MessageView'>;
export type Change = Of<'HistoryEntry'>;
export type TicketView = Of<'WholeTicket'>;
export type TicketCounts = Of<'TicketCountsOutput'>;
export type SavedView = Of<'SavedView'>;
export type DeletedTicket = Of<'DeletedTicket'>;
export type ServerDraft = Of<'DraftView'>;
export type Client = Of<'ClientView'>;
export type Contact = Of<'ContactView'>;
export type ClientToken = Of<'ClientTokenOutput'>;
/** What a tariff promises is left out where it promises what the desk does. */
export type Tariff = Omit<Of<'TariffView'>, 'sla'> & { sla: Schemas['OwnRules'] };
export type SlaRules = Of<'SlaRules'>;
export type WorkHours = Of<'WireHours'>;
export type QuickReply = Of<'QuickReplyView'>;
export type Macro = Of<'Macro'>;
export type Act = Of<'Act'>;
export type ActKind = Schemas['ActKind'];
export type Condition = Of<'Condition'>;
export type RuleField = Schemas['RuleField'];
export type RuleOp = Schemas['RuleOp'];
export type TriggerEvent = Schemas['TriggerEvent'];
export type Trigger = Of<'Trigger'>;
export type TriggerRun = Of<'TriggerRun'>;
export type TriedTicket = Of<'TriedTicket'>;
export type Webhook = Of<'Webhook'>;
export type WebhookEvent = Schemas['WebhookEvent'];
export type WebhookDelivery = Of<'WebhookDelivery'>;
export type Notification = Of<'Notification'>;
export type NotificationSettings = Of<'NotificationSettings'>;
export type Pace = Schemas['Pace'];
export type StaffLink = Of<'StaffLink'>;
export type Bot = Of<'Bot'>;
export type ChatLink = Of<'ChatLink'>;
export type ChannelEvents = Of<'Events'>;
export type ChannelEvent = Of<'EventView'>;
export type Outbox = Of<'Outbox'>;
export type MessageExplanation = Of<'Explanation'>;
export type Dashboard = Of<'Dashboard'>;
export type Analytics = Of<'Analytics'>;
export type OperatorReport = Of<'OperatorFigures'>;
export type Security = Schemas['Security'];
export type EmailConfig = Schemas['EmailConfig'];
export type TelegramConfig = Schemas['TelegramConfig'];
export type WhatsappConfig = Schemas['WhatsappConfig'];
export type MaxConfig = Schemas['MaxConfig'];
export type ChannelConfig = EmailConfig | TelegramConfig | WhatsappConfig | MaxConfig;
export type ChannelType = Schemas['ChannelType'];
/** A channel; its config reads as it was written, with secrets veiled. Its type says which config it is. */
export type ChannelRow = Omit<Of<'ChannelView'>, 'config'> & { config: ChannelConfig };
export type ChannelStatus = Of<'ChannelStatus'>;
export type InboundPart = Of<'Rehearsal'>;
export type InboundFormat = Schemas['Format'];
export type DnsRecords = Of<'DnsRecords'>;
export type CheckedRecord = Of<'CheckedRecord'>;
export type WidgetSettings = Of<'WidgetSettings'>;
export type ArticleRow = Of<'ArticleRow'>;
export type StaffArticle = Of<'StaffArticle'>;
export type KbSettings = Of<'KbSettings'>;
export type ReaderRow = Of<'ReaderRow'>;
export type ReaderArticle = Of<'ReaderArticle'>;
export type Plan = Schemas['Plan'];
export type PlanFeatures = Of<'PlanFeatures'>;
export type Settings = Of<'SettingsView'>;
export type Exported = Of<'Exported'>;
export type BrandingSettings = Of<'BrandingSettings'>;
export type AuditLog = Of<'AuditLog'>;
export type DemoStatus = Of<'DemoStatus'>;
export type TenantStanding = Of<'TenantStanding'>;
export type Overrides = Schemas['Overrides'];
export type LimitChanges = Schemas['LimitChanges'];
export type ErrorLogs = Of<'ErrorLogs'>;
export type Viewer = Of<'Viewer'>;

/** A ticket as its client sees it: no tags, no contact data, no way to move it but the actions made for clients. */
export type ClientTicket = Ticket;
export type ClientTicketPage = Of<'TicketPage'>;
export type ClientTicketView = Of<'OwnTicket'>;
export type ClientMe = Of<'Identity2'>;
export type ClientDashboard = Of<'ClientFigures'>;

/** What the live connection says. Events carry no content: the page fetches what they name. */
export interface LiveEvent {
  type: 'event'; seq: number; kind: string; ticket_id: number;
  message_id?: number; actor_id?: number; is_note?: boolean; author_type?: AuthorType;
}
export type LiveFrame =
  | { type: 'hello'; seq: number; operator_id: number }
  | LiveEvent
  | { type: 'presence'; ticket_id: number; viewers: Viewer[] }
  | { type: 'notification' }
  | { type: 'resync' } | { type: 'bye' } | { type: 'pong' };
