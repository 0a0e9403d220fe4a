/** Every action that has a key or stands in the palette: one list feeds the keys, the palette and the help. */
import { tick } from 'svelte';
import { chooseLocale, localeNames, locales } from '../lib/i18n/index.svelte';
import type { Bindings } from '../lib/keys';
import { afterPaint } from '../lib/paint';
import { go, href, route, settle, show } from '../lib/router.svelte';
import { setTheme, themes } from '../lib/theme.svelte';
import type { IconName } from '../lib/ui/icons';
import { t } from './i18n';
import { queue } from './queue/queue.svelte';
import { views, viewIcons } from './queue/view';
import { session } from './session.svelte';
import { assign, discard, follows, setStatus, take, toggleFollow, undo, unsnooze } from './ticket/actions';
import { desk } from './ticket/desk.svelte';
import { ui } from './ui.svelte';

export interface Command { id: string; label: string; icon: IconName; keys?: string; group: string; run: () => void }

function step(by: number): void {
  const next = queue.neighbour(desk.current, by);
  if (!next) return;
  const inTicket = route.parts[0] === 't';
  const to = href('t', next);
  if (inTicket) {
    desk.current = next;
    show(to);
    afterPaint(() => { if (desk.current === next) settle(to); });
  } else go(to);
  if (by) afterPaint(() => void desk.prefetch(queue.neighbour(next, by)).then(() => desk.prefetch(queue.neighbour(next, 2 * by))));
}
/** Chooses the ticket the keys are at and goes on to the next one. */
function extend(by: number): void {
  const next = queue.neighbour(desk.current, by);
  for (const id of [desk.current, next]) if (id) queue.selected.add(id);
  queue.selecting = queue.selected.size > 0;
  step(by);
}
const inQueue = (): boolean => ['t', 'queue', undefined].includes(route.parts[0]);

/** Where the field is on the page it has the focus before the next key; elsewhere the queue opens first. */
export function focusSearch(): void {
  const elsewhere = !inQueue() || (route.parts[0] === 't' && innerWidth <= 820);
  const focus = () => document.getElementById('search')?.focus();
  if (!elsewhere) return focus();
  addEventListener('hashchange', () => void tick().then(focus), { once: true });
  go(href('queue', queue.view));
}

/** The commands for the ticket that is open. */
function ofTicket(): Command[] {
  const ticket = inQueue() ? desk.view?.ticket : undefined;
  if (!ticket) return [];
  const group = t('palette.ticket', { id: ticket.id });
  const can = ticket.can.transitions;
  const command = (id: string, label: string, icon: IconName, run: () => void, keys?: string): Command => ({ id, label, icon, run, group, ...(keys ? { keys } : {}) });
  const all = [
    command('reply', t('cmd.reply'), 'reply', () => ui.compose('reply'), 'KeyR'),
    command('note', t('cmd.note'), 'note', () => ui.compose('note'), 'KeyN'),
    command('assign', t('cmd.assign'), 'user', () => { ui.picker = 'assign'; }, 'KeyA'),
    command('take', t('cmd.take'), 'user', () => void take(ticket), 'Shift+KeyA'),
    command('status', t('cmd.status'), 'status', () => { ui.picker = 'status'; }, 'KeyS'),
    command('priority', t('cmd.priority'), 'flag', () => { ui.picker = 'priority'; }, 'KeyP'),
    command('tags', t('cmd.tags'), 'tag', () => { ui.picker = 'tags'; }, 'KeyT'),
    command('snooze', t('cmd.snooze'), 'clock', () => { ui.picker = 'snooze'; }, 'KeyZ'),
    command('follow', t(follows(ticket) ? 'cmd.unfollow' : 'cmd.follow'), 'eye', () => void toggleFollow(ticket), 'Shift+KeyF'),
    command('category', t('cmd.category'), 'folder', () => { ui.picker = 'category'; }),
    command('macro', t('cmd.macro'), 'layers', () => { ui.tab = 'chat'; ui.picker = 'macro'; }, 'KeyM'),
    command('rename', t('cmd.rename'), 'edit', () => { ui.dialog = 'rename'; }),
    command('time', t('cmd.time'), 'clock', () => { ui.dialog = 'time'; }),
    command('due', t('cmd.due'), 'clock', () => { ui.dialog = 'due'; }),
    command('explain', t('cmd.explain'), 'help', () => { ui.dialog = 'explain'; }),
    command('history', t('cmd.history'), 'history', () => { ui.tab = ui.tab === 'history' ? 'chat' : 'history'; }),
  ];
  if (can.includes('done')) all.push(command('complete', t('cmd.complete'), 'done', () => { ui.dialog = 'complete'; }, 'KeyE'));
  if (can.includes('on_hold')) all.push(command('hold', t('cmd.hold'), 'hold', () => void setStatus(ticket, 'on_hold')));
  if (ticket.status === 'on_hold' && can.includes('in_progress')) all.push(command('resume', t('cmd.resume'), 'play', () => void setStatus(ticket, 'in_progress')));
  if (can.includes('reopened')) all.push(command('reopen', t('cmd.reopen'), 'refresh', () => void setStatus(ticket, 'reopened')));
  if (ticket.status === 'estimated') all.push(command('force', t('cmd.force'), 'play', () => { ui.dialog = 'force'; }));
  if (can.includes('estimated') || ticket.status === 'estimated') all.push(command('estimate', t('cmd.estimate'), 'estimate', () => { ui.dialog = 'estimate'; }));
  if (ticket.snoozed_until) all.push(command('unsnooze', t('cmd.unsnooze'), 'refresh', () => void unsnooze(ticket)));
  if (session.isSupervisor) {
    if (!ticket.merged_into) all.push(command('merge', t('cmd.merge'), 'layers', () => { ui.dialog = 'merge'; }));
    all.push(command('delete', t('cmd.delete'), 'trash', () => void discard(ticket)));
  }
  if (ticket.assigned_to) all.push(command('unassign', t('cmd.unassign'), 'user', () => void assign(ticket, 0)));
  return all;
}

function everywhere(): Command[] {
  const [move, places, prefs] = [t('palette.move'), t('palette.places'), t('palette.prefs')];
  const list: Command[] = [
    { id: 'new', label: t('cmd.new'), icon: 'plus', keys: 'KeyC', group: move, run: () => { ui.dialog = 'new'; } },
    { id: 'search', label: t('cmd.search'), icon: 'search', keys: 'Slash', group: move, run: focusSearch },
    { id: 'palette', label: t('cmd.palette'), icon: 'command', keys: 'Mod+KeyK', group: move, run: () => { ui.dialog = 'palette'; } },
    { id: 'undo', label: t('cmd.undo'), icon: 'refresh', keys: 'Mod+KeyZ', group: move, run: undo },
    { id: 'nav', label: t('cmd.nav'), icon: 'left', keys: 'BracketLeft', group: move, run: () => ui.toggleNav() },
    { id: 'details', label: t('cmd.details'), icon: 'right', keys: 'BracketRight', group: move, run: () => { ui.details = !ui.details; } },
    { id: 'help', label: t('cmd.help'), icon: 'help', keys: 'Shift+Slash', group: move, run: () => { ui.dialog = 'help'; } },
    { id: 'go-queue', label: t('nav.queue'), icon: 'inbox', keys: 'KeyG KeyQ', group: places, run: () => go(href('queue', queue.view)) },
    { id: 'go-clients', label: t('nav.clients'), icon: 'building', keys: 'KeyG KeyC', group: places, run: () => go(href('clients')) },
    { id: 'go-kb', label: t('nav.kb'), icon: 'book', keys: 'KeyG KeyB', group: places, run: () => go(href('kb')) },
    { id: 'go-dashboard', label: t('nav.dashboard'), icon: 'chart', keys: 'KeyG KeyA', group: places, run: () => go(href('dashboard')) },
    { id: 'go-analytics', label: t('analytics.title'), icon: 'chart', group: places, run: () => go(href('analytics')) },
    { id: 'go-wallboard', label: t('wallboard.title'), icon: 'monitor', group: places, run: () => go(href('wallboard')) },
    { id: 'go-settings', label: t('nav.settings'), icon: 'settings', keys: 'KeyG KeyS', group: places, run: () => go(href('settings')) },
    ...(session.me.permissions.is_head_admin ? [{ id: 'go-head', label: t('nav.head'), icon: 'globe' as const, group: places, run: () => go(href('head')) }] : []),
  ];
  for (const view of views) list.push({ id: `view-${view}`, label: t('palette.view', { view: t(`view.${view}`) }), icon: viewIcons[view], group: places, run: () => go(href('queue', view)) });
  for (const view of queue.saved) list.push({ id: `saved-${view.id}`, label: t('palette.view', { view: view.name }), icon: 'star', group: places, run: () => go(href('queue', `saved-${view.id}`)) });
  if (session.isSupervisor) list.push({ id: 'go-bin', label: t('bin.title'), icon: 'trash', group: places, run: () => go(href('bin')) });
  list.push({ id: 'save-view', label: t('views.save'), icon: 'star', group: move, run: () => { ui.dialog = 'view'; } });
  for (const theme of themes) list.push({ id: `theme-${theme}`, label: t('palette.theme', { theme: t(`theme.${theme}`) }), icon: 'settings', group: prefs, run: () => setTheme(theme) });
  for (const locale of locales) list.push({ id: `lang-${locale}`, label: t('palette.language', { language: localeNames[locale] }), icon: 'globe', group: prefs, run: () => void chooseLocale(locale) });
  list.push({ id: 'logout', label: t('cmd.logout'), icon: 'logout', group: prefs, run: () => void session.logout() });
  return list;
}

export const commands = (): Command[] => [...ofTicket(), ...everywhere()];

/** The keys as they act now. Moving along the queue has no place in the palette. */
export function bindings(): Bindings {
  const keys: Record<string, () => void> = {
    KeyJ: () => step(1),
    KeyK: () => step(-1),
    KeyX: () => { if (inQueue()) queue.toggle(desk.current || (queue.ids[0] ?? 0)); },
    'Shift+KeyJ': () => extend(1),
    'Shift+KeyK': () => extend(-1),
    Escape: () => queue.deselect(),
    Enter: () => { if (desk.current) document.getElementById('conversation')?.focus(); else step(0); },
  };
  for (const command of commands()) if (command.keys) keys[command.keys] = command.run;
  return keys;
}

/** What the help lists, ticket keys included even when no ticket is open. */
export function helpKeys(): { label: string; keys: string }[] {
  const always: [string, string][] = [
    [t('help.next'), 'KeyJ'], [t('help.previous'), 'KeyK'], [t('help.open'), 'Enter'], [t('cmd.reply'), 'KeyR'], [t('cmd.note'), 'KeyN'], [t('cmd.assign'), 'KeyA'],
    [t('cmd.take'), 'Shift+KeyA'], [t('cmd.status'), 'KeyS'], [t('cmd.priority'), 'KeyP'], [t('cmd.tags'), 'KeyT'], [t('cmd.macro'), 'KeyM'], [t('cmd.snooze'), 'KeyZ'], [t('cmd.follow'), 'Shift+KeyF'], [t('cmd.complete'), 'KeyE'],
    [t('help.select'), 'KeyX'], [t('help.extend_down'), 'Shift+KeyJ'], [t('help.extend_up'), 'Shift+KeyK'],
    [t('help.send'), 'Mod+Enter'], [t('help.send_done'), 'Mod+Shift+Enter'], [t('help.quick'), 'Slash'], [t('help.leave'), 'Escape'],
  ];
  return [...always.map(([label, keys]) => ({ label, keys })), ...everywhere().flatMap(({ label, keys }) => (keys ? [{ label, keys }] : []))];
}
