import type { ClientSettings } from '../../lib/actions';
import type { Client, Locale } from '../../lib/types';
import type { ClientValues } from './ClientForm.svelte';

export const noValues: Readonly<ClientValues> = { company_name: '', tariff_plan: 'standard', hours_per_month: null, hourly_rate: null, responsible_id: '', locale: '', notes: '', is_active: true };

export const valuesOf = (client: Client): ClientValues => ({
  company_name: client.company_name, tariff_plan: client.tariff_plan, hours_per_month: client.own_hours ? client.hours_per_month : null, hourly_rate: client.own_rate ? client.hourly_rate : null,
  responsible_id: client.responsible_id ? String(client.responsible_id) : '', locale: client.locale ?? '', notes: client.notes ?? '', is_active: client.is_active,
});

/** What the server is sent: an empty choice is left to its default, hours and a rate to the tariff's. */
export function settingsOf(values: ClientValues): ClientSettings & { company_name: string } {
  const { company_name, tariff_plan, hours_per_month, hourly_rate, responsible_id, locale, notes, is_active } = values;
  return {
    company_name: company_name.trim(), notes: notes.trim(), is_active, hours_per_month, hourly_rate,
    responsible_id: responsible_id ? Number(responsible_id) : null,
    ...(tariff_plan.trim() ? { tariff_plan: tariff_plan.trim() } : {}),
    ...(locale ? { locale: locale as Locale } : {}),
  };
}
