import type ru from '../../messages/tenant.ru.json';
import { scoped } from '../lib/i18n/index.svelte';

export type TenantKey = keyof typeof ru;
export const t = scoped<TenantKey>();
