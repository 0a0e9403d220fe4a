/** What an operator does to a ticket, each with its undo. The dialogs that some of them need are asked for by name. */
import { dateTime } from '../../lib/date';
import { errorText } from '../../lib/error';
import { go, href } from '../../lib/router.svelte';
import { toast } from '../../lib/toast.svelte';
import type { Priority, Status, Tag, Ticket } from '../../lib/types';
import { admin } from '../api';
import { t } from '../i18n';
import { queue } from '../queue/queue.svelte';
import { categoryName, operatorName } from '../reference.svelte';
import { session } from '../session.svelte';
import { desk, fieldName } from './desk.svelte';

let undoLast: (() => void) | undefined;

/** Takes back the last change that can be taken back (Ctrl+Z). */
export function undo(): void {
  const run = undoLast;
  undoLast = undefined;
  run?.();
}

function offerUndo(text: string, run: () => void): void {
  undoLast = run;
  toast(text, { action: { label: t('common.undo'), run: () => { if (undoLast === run) undoLast = undefined; run(); } } });
}

const label = (status: Status) => t(`status.${status}`);

export async function setStatus(ticket: Ticket, status: Status, undoable = true): Promise<void> {
  if (status === ticket.status) return;
  const now = await desk.update(ticket.id, { status }, { status }, fieldName('status'));
  if (now) changedStatus(ticket.status, now, undoable);
}

/** Tells of a status change, with the way back when there is a legal one. */
function changedStatus(before: Status, now: Ticket, undoable = true): void {
  const text = t('act.status', { id: now.id, status: label(now.status) });
  const back = now.can.transitions.includes(before) ? before : now.can.transitions.find((x) => x === 'reopened');
  if (undoable && back) offerUndo(text, () => void setStatus(now, back, false));
  else toast(text);
}

export async function complete(ticket: Ticket, result: string, hours?: number): Promise<boolean> {
  const wanted = { status: 'done', result } as const;
  const now = await desk.guarded(ticket.id, wanted, wanted, fieldName('status'), (version) =>
    admin('complete_ticket', { ticket_id: ticket.id, result, ...(hours ? { hours_spent: hours } : {}), ...version }));
  if (now) changedStatus(ticket.status, now);
  return now !== undefined;
}

export async function assign(ticket: Ticket, operatorId: number, undoable = true): Promise<void> {
  const before = ticket.assigned_to ?? 0;
  if (operatorId === before) return;
  const me = session.me.operator.id;
  const name = operatorId ? operatorName(operatorId) : null;
  const now = await desk.update(ticket.id, { assigned_to: operatorId || null }, { assigned_to: operatorId || null, assigned_name: operatorId === me ? session.me.operator.name : name }, fieldName('assignee'));
  if (!now) return;
  const text = now.assigned_name ? t('act.assigned', { id: now.id, name: now.assigned_name }) : t('act.unassigned', { id: now.id });
  if (undoable) offerUndo(text, () => void assign(now, before, false));
  else toast(text);
}

export const take = (ticket: Ticket): Promise<void> => assign(ticket, session.me.operator.id);

export async function setPriority(ticket: Ticket, priority: Priority, undoable = true): Promise<void> {
  if (priority === ticket.priority) return;
  const now = await desk.update(ticket.id, { priority }, { priority }, fieldName('priority'));
  if (now && undoable) offerUndo(t('act.priority', { id: now.id, priority: t(`priority.${priority}`) }), () => void setPriority(now, ticket.priority, false));
}

export async function setCategory(ticket: Ticket, category: string, undoable = true): Promise<void> {
  const before = ticket.category;
  if (category === before) return;
  const now = await desk.update(ticket.id, { category }, { category }, fieldName('category'));
  if (now && undoable && before) offerUndo(t('act.category', { id: now.id, category: categoryName(category) }), () => void setCategory(now, before, false));
}

export async function setSubject(ticket: Ticket, subject: string): Promise<void> {
  if (subject && subject !== ticket.subject) await desk.update(ticket.id, { subject }, { subject }, fieldName('subject'));
}

export async function toggleTag(ticket: Ticket, tag: Tag): Promise<void> {
  const on = ticket.tags.some((x) => x.id === tag.id);
  const tags = on ? ticket.tags.filter((x) => x.id !== tag.id) : [...ticket.tags, tag];
  // Tags that somebody else has put on or taken off meanwhile stay so: only this one is meant.
  await desk.guarded(ticket.id, {}, { tags }, fieldName('tags'), (version) => admin(on ? 'remove_ticket_tag' : 'add_ticket_tag', { ticket_id: ticket.id, tag_id: tag.id, ...version }));
}

/** Puts a tag on by its name; the server makes it when it is new. */
export async function addTag(ticket: Ticket, name: string): Promise<void> {
  await desk.guarded(ticket.id, {}, {}, fieldName('tags'), (version) => admin('add_ticket_tag', { ticket_id: ticket.id, name, ...version }));
}

export async function setEstimate(ticket: Ticket, hours: number, description: string, cost?: number): Promise<boolean> {
  const now = await desk.act(ticket.id, {}, fieldName('estimate'), () => admin('set_estimate', { ticket_id: ticket.id, hours, description, ...(cost === undefined ? {} : { cost }) }));
  if (now) toast(t('act.estimate', { id: now.id }));
  return now !== undefined;
}

/** Sets when a ticket is due by agreement; null goes back to the time that the rules give. */
export async function setDue(ticket: Ticket, due_at: string | null, undoable = true): Promise<void> {
  const before = ticket.due_at;
  const now = await desk.update(ticket.id, { due_at }, { due_at }, fieldName('due'));
  if (!now) return;
  const text = now.due_at ? t('act.due', { id: now.id, at: dateTime(now.due_at) }) : t('act.no_due', { id: now.id });
  if (undoable) offerUndo(text, () => void setDue(now, before, false));
  else toast(text);
}

/** Goes past an estimate that the client has not approved; the history keeps who did. */
export async function force(ticket: Ticket): Promise<void> {
  const now = await desk.act(ticket.id, { status: 'in_progress' }, fieldName('status'), () => admin('update_ticket', { ticket_id: ticket.id, status: 'in_progress', force: true }));
  if (now) toast(t('act.status', { id: now.id, status: label(now.status) }));
}

export async function snooze(ticket: Ticket, until: string): Promise<void> {
  const now = await desk.guarded(ticket.id, { snoozed_until: until }, { snoozed_until: until }, fieldName('snooze'), (version) => admin('snooze_ticket', { ticket_id: ticket.id, until, ...version }));
  if (now) offerUndo(t('act.snoozed', { id: now.id, time: dateTime(until) }), () => void unsnooze(now));
}

export async function unsnooze(ticket: Ticket): Promise<void> {
  await desk.guarded(ticket.id, { snoozed_until: null }, { snoozed_until: null }, fieldName('snooze'), (version) => admin('unsnooze_ticket', { ticket_id: ticket.id, ...version }));
}

export const follows = (ticket: Ticket): boolean => ticket.followers.some((x) => x.operator_id === session.me.operator.id);

export async function toggleFollow(ticket: Ticket): Promise<void> {
  const on = follows(ticket);
  const me = { operator_id: session.me.operator.id, name: session.me.operator.name };
  const followers = on ? ticket.followers.filter((x) => x.operator_id !== me.operator_id) : [...ticket.followers, me];
  const now = await desk.act(ticket.id, { followers }, t('cmd.follow'), () => admin(on ? 'unfollow_ticket' : 'follow_ticket', { ticket_id: ticket.id }));
  if (now) toast(t(on ? 'act.unfollowed' : 'act.followed', { id: now.id }));
}

/** Puts a ticket into the bin and goes on to the next one. */
export async function discard(ticket: Ticket): Promise<void> {
  const next = queue.neighbour(ticket.id, 1);
  try { await admin('delete_ticket', { ticket_id: ticket.id }); } catch (error) { toast(errorText(error), { kind: 'error' }); return; }
  go(next && next !== ticket.id ? href('t', next) : href('queue', queue.view));
  void queue.sync();
  offerUndo(t('act.deleted', { id: ticket.id }), () => void admin('restore_ticket', { ticket_id: ticket.id }).then(() => { go(href('t', ticket.id)); void queue.sync(); }, (error: unknown) => toast(errorText(error), { kind: 'error' })));
}
