import type ru from '../../messages/docs.ru.json';
import { scoped } from '../lib/i18n/index.svelte';

export type DocsKey = keyof typeof ru;
export const t = scoped<DocsKey>();
