/** Durations and shares of the figures in words. */
import { number } from '../../lib/date';

const unit = (value: number, name: string, digits: number) => number(value, { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: digits });

export const none = '—';
export const minutes = (value: number | null): string => (value === null ? none : value < 90 ? unit(Math.round(value), 'minute', 0) : hours(value / 60));
export const hours = (value: number | null): string => (value === null ? none : value < 72 ? unit(value, 'hour', 1) : unit(value / 24, 'day', 1));
export const percent = (value: number | null): string => (value === null ? none : number(value / 100, { style: 'percent', maximumFractionDigits: 0 }));
