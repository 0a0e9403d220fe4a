/** The pages of the settings, in their order and groups: the settings list them and the palette finds them. */
import type { IconName } from '../../lib/ui/icons';

export type SettingsName = 'profile' | 'security' | 'company' | 'branding' | 'plan' | 'audit' | 'demo' | 'keys' | 'channels' | 'events' | 'operators' | 'tags' | 'notifications' | 'replies' | 'macros' | 'automation' | 'webhooks' | 'widget' | 'hours' | 'sla' | 'tariffs' | 'categories';
export type SettingsGroup = 'own' | 'work' | 'channels' | 'terms' | 'company' | 'programs';
interface SettingsPage { name: SettingsName; group: SettingsGroup; icon: IconName; admin: boolean; load: () => Promise<{ default: typeof import('./Profile.svelte').default }> }

const pages: readonly SettingsPage[] = [
  { name: 'profile', group: 'own', icon: 'user', admin: false, load: () => import('./Profile.svelte') },
  { name: 'security', group: 'own', icon: 'lock', admin: false, load: () => import('./Security.svelte') },
  { name: 'notifications', group: 'own', icon: 'bell', admin: false, load: () => import('./Notifications.svelte') },
  { name: 'replies', group: 'work', icon: 'zap', admin: false, load: () => import('./Replies.svelte') },
  { name: 'macros', group: 'work', icon: 'layers', admin: false, load: () => import('./Macros.svelte') },
  { name: 'automation', group: 'work', icon: 'workflow', admin: true, load: () => import('./Automation.svelte') },
  { name: 'categories', group: 'work', icon: 'folder', admin: true, load: () => import('./Categories.svelte') },
  { name: 'tags', group: 'work', icon: 'tag', admin: true, load: () => import('./Tags.svelte') },
  { name: 'channels', group: 'channels', icon: 'mail', admin: true, load: () => import('./Channels.svelte') },
  { name: 'widget', group: 'channels', icon: 'chat', admin: true, load: () => import('./Widget.svelte') },
  { name: 'events', group: 'channels', icon: 'inbox', admin: true, load: () => import('./Events.svelte') },
  { name: 'hours', group: 'terms', icon: 'clock', admin: true, load: () => import('./Hours.svelte') },
  { name: 'sla', group: 'terms', icon: 'flag', admin: true, load: () => import('./Sla.svelte') },
  { name: 'tariffs', group: 'terms', icon: 'estimate', admin: true, load: () => import('./Tariffs.svelte') },
  { name: 'company', group: 'company', icon: 'building', admin: true, load: () => import('./Company.svelte') },
  { name: 'branding', group: 'company', icon: 'image', admin: true, load: () => import('./Branding.svelte') },
  { name: 'operators', group: 'company', icon: 'team', admin: true, load: () => import('./Operators.svelte') },
  { name: 'plan', group: 'company', icon: 'star', admin: true, load: () => import('./Plan.svelte') },
  { name: 'audit', group: 'company', icon: 'history', admin: true, load: () => import('./Audit.svelte') },
  { name: 'demo', group: 'company', icon: 'play', admin: true, load: () => import('./Demo.svelte') },
  { name: 'keys', group: 'programs', icon: 'key', admin: true, load: () => import('./Keys.svelte') },
  { name: 'webhooks', group: 'programs', icon: 'webhook', admin: true, load: () => import('./Webhooks.svelte') },
];

/** Those that an operator may open, or an admin. */
export const pagesFor = (admin: boolean): readonly SettingsPage[] => pages.filter((x) => !x.admin || admin);

/** The same by their groups, in order. */
export const groupsFor = (admin: boolean): readonly { name: SettingsGroup; pages: readonly SettingsPage[] }[] =>
  [...new Set(pages.map((x) => x.group))].map((name) => ({ name, pages: pagesFor(admin).filter((x) => x.group === name) })).filter((x) => x.pages.length);
