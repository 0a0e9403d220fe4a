import type ru from '../../messages/portal.ru.json';
import { scoped } from '../lib/i18n/index.svelte';

export type PortalKey = keyof typeof ru;
export const t = scoped<PortalKey>();
