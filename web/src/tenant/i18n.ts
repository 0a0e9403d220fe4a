import type admin from '../../messages/admin.ru.json';
import type ru from '../../messages/tenant.ru.json';
import { extend, scoped } from '../lib/i18n/index.svelte';

export type TenantKey = keyof typeof ru | keyof typeof admin;
export const t = scoped<TenantKey>();

/** A page that is loaded when it is opened, together with the texts that only such pages have. */
export const paged = async <T>(page: Promise<T>): Promise<T> => {
  const [it] = await Promise.all([page, extend('admin')]);
  return it;
};
