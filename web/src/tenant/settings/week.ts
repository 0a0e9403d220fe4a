/** The working week as its editor handles it: intervals by the wall clock, `24:00` being the end of the day. */
import type { WorkHours } from '../../lib/types';

export interface Interval { from: string; to: string }

const day = 24 * 60;
export const minutes = (clock: string): number => { const [h, m] = clock.split(':').map(Number); return (h ?? 0) * 60 + (m ?? 0); };
const clock = (at: number): string => `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}`;

/** A time field has no 24:00: the end of the day shows as midnight, and midnight as an end means the end of the day. */
export const shown = (to: string): string => (to === '24:00' ? '00:00' : to);
export const ended = (to: string): string => (to === '00:00' ? '24:00' : to);

/** What is wrong with a day, if anything: an interval without an end, or two at once. */
export function wrong(intervals: readonly Interval[]): 'ends' | 'overlaps' | undefined {
  if (intervals.some((x) => !x.from || !x.to || minutes(x.to) <= minutes(x.from))) return 'ends';
  const sorted = [...intervals].sort((a, b) => minutes(a.from) - minutes(b.from));
  return sorted.some((x, i) => i > 0 && minutes(x.from) < minutes(sorted[i - 1]?.to ?? '00:00')) ? 'overlaps' : undefined;
}

/** Where another interval may go: after the last one with a break of an hour, or a usual day. */
export function next(intervals: readonly Interval[]): Interval {
  const last = Math.max(...intervals.map((x) => minutes(x.to)), 0);
  if (!last) return { from: '09:00', to: '18:00' };
  const from = Math.min(last + 60, day - 60);
  return { from: clock(from), to: clock(Math.min(from + 240, day)) };
}

/** How many minutes a week has. */
export const total = (days: WorkHours['days']): number => days.flat().reduce((sum, x) => sum + Math.max(0, minutes(x.to) - minutes(x.from)), 0);

/** Days with more days among them, in order, none twice. */
export const merged = (days: readonly string[], more: readonly string[]): string[] => [...new Set([...days, ...more])].sort();

/** Days under the years they are in. */
export function byYear(days: readonly string[]): [string, string[]][] {
  const years = new Map<string, string[]>();
  for (const x of days) years.set(x.slice(0, 4), [...(years.get(x.slice(0, 4)) ?? []), x]);
  return [...years];
}
