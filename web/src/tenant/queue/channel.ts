import { known } from '../../lib/i18n/index.svelte';
import type { IconName } from '../../lib/ui/icons';

const icons: Readonly<Record<string, IconName>> = { email: 'mail', widget: 'globe', portal: 'user', web: 'edit', api: 'code', telegram: 'send', whatsapp: 'chat', max: 'chat', phone: 'phone' };

export const channelIcon = (channel: string): IconName => icons[channel] ?? 'chat';
/** A channel this page does not know yet shows by its code. */
export const channelName = (channel: string): string => known(`channel.${channel}`, channel);
