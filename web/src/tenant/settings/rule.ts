/** What rules are made of, as the pages offer it: which fields there are, how each compares, which values it may have, and how a rule reads as a sentence. */
import { locales, localeNames } from '../../lib/i18n/index.svelte';
import type { Act, ActKind, Condition, RuleField, RuleOp, TriggerEvent } from '../../lib/types';
import { t } from '../i18n';
import { categories, categoryName, operators, tags } from '../reference.svelte';

export const events: readonly TriggerEvent[] = ['ticket_created', 'ticket_updated', 'ticket_status_changed', 'message_received', 'sla_warning', 'sla_breach', 'csat_received', 'ticket_idle'];
export const fields: readonly RuleField[] = ['status', 'from_status', 'priority', 'category', 'channel', 'subject', 'description', 'message', 'tag', 'portal_domain', 'company_name', 'creator_name', 'creator_email', 'assigned_to', 'locale', 'message_count', 'age_hours', 'idle_hours', 'working_hours', 'rating'];
export const variables = ['client.name', 'client.company', 'client.email', 'ticket.id', 'ticket.subject', 'ticket.status', 'ticket.priority', 'operator.name', 'company.name', 'message.text'].map((name) => `{{${name}}}`).join(', ');

const statuses = ['new', 'estimated', 'in_progress', 'on_hold', 'done', 'closed', 'reopened'] as const;
const priorities = ['low', 'normal', 'urgent'] as const;
const channels = ['api', 'portal', 'widget', 'email', 'telegram', 'whatsapp', 'max', 'phone'] as const;
const numbers: readonly RuleField[] = ['message_count', 'age_hours', 'idle_hours', 'rating'];

export interface Choice { value: string; label: string }

/** How a field may be compared. */
export function opsOf(field: RuleField): readonly RuleOp[] {
  if (numbers.includes(field)) return ['is', 'is_not', 'gt', 'gte', 'lt', 'lte', 'is_set', 'is_not_set'];
  if (field === 'working_hours') return ['is'];
  if (choicesOf(field)) return ['is', 'is_not', 'is_set', 'is_not_set'];
  return ['contains', 'not_contains', 'is', 'is_not', 'starts_with', 'is_set', 'is_not_set'];
}
export const needsValue = (op: RuleOp): boolean => op !== 'is_set' && op !== 'is_not_set';
export const isNumber = (field: RuleField): boolean => numbers.includes(field);

/** The values a field may have, when they can be listed. */
export function choicesOf(field: RuleField): Choice[] | undefined {
  switch (field) {
    case 'status': case 'from_status': return statuses.map((value) => ({ value, label: t(`status.${value}`) }));
    case 'priority': return priorities.map((value) => ({ value, label: t(`priority.${value}`) }));
    case 'channel': return channels.map((value) => ({ value, label: t(`channel.${value}`) }));
    case 'category': return categories.all.map((x) => ({ value: x.code, label: x.name }));
    case 'tag': return tags.all.map((x) => ({ value: x.name, label: x.name }));
    case 'assigned_to': return people();
    case 'locale': return locales.map((value) => ({ value, label: localeNames[value] }));
    case 'working_hours': return [{ value: 'true', label: t('yes.true') }, { value: 'false', label: t('yes.false') }];
    default: return undefined;
  }
}
const people = (): Choice[] => operators.all.filter((x) => x.is_active).map((x) => ({ value: String(x.id), label: x.name }));

export const listed = (value: unknown): string[] => (Array.isArray(value) ? value : value === null || value === undefined || value === '' ? [] : [value]).map(String);

/** A value as people read it. */
function shown(field: RuleField, value: unknown): string {
  const choices = choicesOf(field);
  return listed(value).map((x) => choices?.find((choice) => choice.value === x)?.label ?? x).map((x) => (choices ? x : `«${x}»`)).join(` ${t('automation.or')} `);
}
/** How a field compares, in a sentence: where the words of the lists would not agree with the field, in a neutral way. */
const said = ({ op }: Condition): string => (op === 'is' || op === 'is_not' || op === 'is_set' || op === 'is_not_set' ? t(`said.${op}`) : t(`op.${op}`));
export const conditionText = (condition: Condition): string =>
  [t(`rule.${condition.field}`), said(condition), needsValue(condition.op) ? shown(condition.field, condition.value) : ''].filter(Boolean).join(' ');

export const triggerActs: readonly ActKind[] = ['assign', 'set_priority', 'set_status', 'set_category', 'add_tag', 'remove_tag', 'send_message', 'add_note', 'notify', 'call_webhook'];
export const macroActs: readonly ActKind[] = ['assign', 'set_priority', 'set_status', 'set_category', 'add_tag', 'remove_tag', 'add_note'];

/** The values an action may have, when they can be listed. */
export function actChoices(kind: ActKind, place: 'trigger' | 'macro', hooks: readonly Choice[]): Choice[] | undefined {
  const words = (values: readonly ('least_loaded' | 'round_robin' | 'nobody' | 'me' | 'assigned' | 'supervisors' | 'admins' | 'all')[]) => values.map((value) => ({ value, label: t(`whom.${value}`) }));
  switch (kind) {
    case 'assign': return [...words(place === 'macro' ? ['me', 'least_loaded', 'nobody'] : ['least_loaded', 'round_robin', 'nobody']), ...people()];
    case 'set_priority': return priorities.map((value) => ({ value, label: t(`priority.${value}`) }));
    case 'set_status': return (['in_progress', 'on_hold', 'done', 'closed', 'reopened'] as const).map((value) => ({ value, label: t(`status.${value}`) }));
    case 'set_category': return categories.all.map((x) => ({ value: x.code, label: x.name }));
    case 'notify': return [...words(['assigned', 'supervisors', 'admins', 'all']), ...people()];
    case 'call_webhook': return [...hooks];
    default: return undefined;
  }
}

export function actText(act: Act, hooks: readonly Choice[] = []): string {
  const value = String(act.value ?? '');
  const named = act.type === 'set_category' ? categoryName(value) : [...(actChoices(act.type, 'trigger', hooks) ?? []), ...(actChoices(act.type, 'macro', hooks) ?? [])].find((x) => x.value === value)?.label;
  const short = value.length > 60 ? `${value.slice(0, 58)}…` : value;
  return `${t(`act.${act.type}`)} ${named ?? `«${short}»`}${act.text ? `: «${act.text}»` : ''}`;
}
