/** The times that are offered when something is put off: an answer, or a whole ticket. */
import { day, time } from '../../lib/date';
import type { Option } from '../../lib/ui/options';
import { t } from '../i18n';

export type Later = 'hour' | 'evening' | 'tomorrow' | 'monday' | 'week';
const morning = 9;
const evening = 18;

/** The time that `later` is, seen from `now`; undefined when it has passed today. */
export function timeOf(later: Later, now: Date): Date | undefined {
  const at = new Date(now);
  if (later === 'hour') { at.setHours(at.getHours() + 1); return at; }
  at.setHours(later === 'evening' ? evening : morning, 0, 0, 0);
  if (later === 'evening') return at > now ? at : undefined;
  const days = later === 'tomorrow' ? 1 : later === 'week' ? 7 : (8 - at.getDay()) % 7 || 7;
  at.setDate(at.getDate() + days);
  return at;
}

/** The choices of a menu: each value is the time itself, `pick` asks for one. On a Sunday tomorrow is Monday, and on a Monday the next one is in a week: one choice for each time. */
export function laterOptions(now: Date): Option[] {
  const offered = new Map<string, Option>();
  for (const later of ['hour', 'evening', 'tomorrow', 'monday', 'week'] as const) {
    const at = timeOf(later, now);
    const value = at?.toISOString() ?? '';
    if (!at || offered.has(value)) continue;
    offered.set(value, { value, label: t(`later.${later}`), hint: at.toDateString() === now.toDateString() ? time(at) : day(at, now.getTime()), icon: 'clock' });
  }
  return [...offered.values(), { value: 'pick', label: t('later.pick'), icon: 'edit' }];
}
