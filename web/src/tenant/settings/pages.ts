/** The pages of the settings, in their order: the settings list them and the palette finds them. */
import type { IconName } from '../../lib/ui/icons';

export type SettingsName = 'profile' | 'security' | 'company' | 'branding' | 'plan' | 'audit' | 'demo' | 'keys' | 'channels' | 'events' | 'operators' | 'tags' | 'notifications' | 'replies' | 'macros' | 'automation' | 'webhooks' | 'widget' | 'hours' | 'sla' | 'tariffs' | 'categories';
interface SettingsPage { name: SettingsName; icon: IconName; admin: boolean; load: () => Promise<{ default: typeof import('./Profile.svelte').default }> }

const pages: readonly SettingsPage[] = [
  { name: 'profile', icon: 'user', admin: false, load: () => import('./Profile.svelte') },
  { name: 'security', icon: 'lock', admin: false, load: () => import('./Security.svelte') },
  { name: 'notifications', icon: 'bell', admin: false, load: () => import('./Notifications.svelte') },
  { name: 'replies', icon: 'zap', admin: false, load: () => import('./Replies.svelte') },
  { name: 'macros', icon: 'layers', admin: false, load: () => import('./Macros.svelte') },
  { name: 'automation', icon: 'workflow', admin: true, load: () => import('./Automation.svelte') },
  { name: 'webhooks', icon: 'webhook', admin: true, load: () => import('./Webhooks.svelte') },
  { name: 'company', icon: 'building', admin: true, load: () => import('./Company.svelte') },
  { name: 'branding', icon: 'image', admin: true, load: () => import('./Branding.svelte') },
  { name: 'channels', icon: 'mail', admin: true, load: () => import('./Channels.svelte') },
  { name: 'events', icon: 'inbox', admin: true, load: () => import('./Events.svelte') },
  { name: 'operators', icon: 'team', admin: true, load: () => import('./Operators.svelte') },
  { name: 'hours', icon: 'clock', admin: true, load: () => import('./Hours.svelte') },
  { name: 'sla', icon: 'flag', admin: true, load: () => import('./Sla.svelte') },
  { name: 'tariffs', icon: 'estimate', admin: true, load: () => import('./Tariffs.svelte') },
  { name: 'categories', icon: 'folder', admin: true, load: () => import('./Categories.svelte') },
  { name: 'keys', icon: 'key', admin: true, load: () => import('./Keys.svelte') },
  { name: 'tags', icon: 'tag', admin: true, load: () => import('./Tags.svelte') },
  { name: 'widget', icon: 'code', admin: true, load: () => import('./Widget.svelte') },
  { name: 'plan', icon: 'layers', admin: true, load: () => import('./Plan.svelte') },
  { name: 'audit', icon: 'history', admin: true, load: () => import('./Audit.svelte') },
  { name: 'demo', icon: 'play', admin: true, load: () => import('./Demo.svelte') },
];

/** Those that an operator may open, or an admin. */
export const pagesFor = (admin: boolean): readonly SettingsPage[] => pages.filter((x) => !x.admin || admin);
