/** Dates, times and numbers in the language of the page: the usual ones as written.ts has them, the others by Intl. Formatters are kept: making one costs more than using it. */
import { lang } from './i18n/index.svelte';
import { kazakhDay, kazakhUnit } from './i18n/kazakh';
import { writtenDate, writtenNumber, writtenSpan } from './i18n/written';

type At = string | number | Date;
/** English as it is written with a 24-hour clock and the day first. */
const tag = (): string => ({ ru: 'ru', kk: 'ru', en: 'en-GB' })[lang()];

const numbers = new Map<string, Intl.NumberFormat>();
const relatives = new Map<string, Intl.RelativeTimeFormat>();

const write = (at: At, style: Intl.DateTimeFormatOptions): string => writtenDate(lang(), new Date(at), style);

export function number(value: number, style?: Intl.NumberFormatOptions): string {
  const isPlain = !style ? Number.isInteger(value) : style.maximumFractionDigits === 1 && Object.keys(style).length === 1;
  const plain = isPlain ? writtenNumber(lang(), value) : undefined;
  if (plain !== undefined) return plain;
  if (lang() === 'kk' && style?.unit) {
    const { unit, unitDisplay, style: _, ...rest } = style;
    return kazakhUnit(number(value, rest), unit, unitDisplay);
  }
  const key = lang() + JSON.stringify(style ?? {});
  let found = numbers.get(key);
  if (!found) numbers.set(key, (found = new Intl.NumberFormat(tag(), style)));
  return found.format(value);
}

export function money(value: number, currency: string | null): string {
  return currency ? number(value, { style: 'currency', currency, currencyDisplay: 'narrowSymbol', maximumFractionDigits: 2, minimumFractionDigits: 0 }) : number(value);
}

const sameDay = (a: Date, b: Date) => a.toDateString() === b.toDateString();

export const time = (at: At): string => write(at, { hour: '2-digit', minute: '2-digit' });
export const dateTime = (at: At): string => write(at, { day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit' });

/** «12 марта», with the year when it is another one. */
export function day(at: At, now: number = Date.now()): string {
  const date = new Date(at);
  return write(date, date.getFullYear() === new Date(now).getFullYear() ? { day: 'numeric', month: 'long' } : { day: 'numeric', month: 'long', year: 'numeric' });
}

/** The shortest text that is enough in a list: the time today, else day and month, else the full date. */
export function brief(at: At, now: number = Date.now()): string {
  const date = new Date(at);
  if (sameDay(date, new Date(now))) return time(at);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return write(date, sameYear ? { day: 'numeric', month: 'short' } : { day: '2-digit', month: '2-digit', year: '2-digit' });
}

/** «сегодня», «вчера», else the day: the heading between messages of different days. */
export function dayHeading(at: At, now: number = Date.now()): string {
  const date = new Date(at);
  for (const back of [0, 1]) {
    if (!sameDay(date, new Date(now - back * 86_400_000))) continue;
    if (lang() === 'kk') return kazakhDay(back);
    let found = relatives.get(tag());
    if (!found) relatives.set(tag(), (found = new Intl.RelativeTimeFormat(tag(), { numeric: 'auto' })));
    return found.format(-back, 'day');
  }
  return day(at, now);
}

/** A compact duration such as «2 ч 05 мин» or «3 д 4 ч»; the sign is the caller's to show. */
export function span(ms: number): string {
  const minutes = Math.floor(Math.abs(ms) / 60_000);
  const unit = (value: number, name: 'minute' | 'hour' | 'day', digits = 1) => writtenSpan(lang(), value, name, digits);
  if (minutes < 60) return unit(minutes, 'minute');
  if (minutes < 1440) return `${unit(Math.floor(minutes / 60), 'hour')} ${unit(minutes % 60, 'minute', 2)}`;
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  return days < 10 && hours ? `${unit(days, 'day')} ${unit(hours, 'hour')}` : unit(days, 'day');
}

/** File sizes in binary steps with decimal names, as file managers show them. */
export function size(bytes: number): string {
  const names = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
  let step = 0;
  let value = bytes;
  while (value >= 1000 && step < names.length - 1) { value /= 1024; step += 1; }
  return number(value, { style: 'unit', unit: names[step] ?? 'byte', unitDisplay: 'short', maximumFractionDigits: value < 10 && step ? 1 : 0 });
}
