/**
 * Dates, spans of time and small numbers as they stand in lists, written by hand. For Russian and English it is what Intl
 * writes, which a test compares: but to make its first formatters takes 20 to 60 ms on a quick machine and a multiple of that
 * on a slow one, before anything is painted. For Kazakh it is what Intl should write: the usual browsers carry no month names and units for
 * it and show «M11 22» or another language.
 */
import type { Locale } from '../types';

interface Writing {
  months: readonly string[];
  briefMonths: readonly string[];
  /** Between day, month and year in figures. */
  mark: string;
  decimal: string;
  /** Between thousands. */
  group: string;
  units: Readonly<Record<string, string>>;
  date(day: number, month: string, year: number | undefined): string;
  /** Between a date and a time. */
  at: string;
}
const list = (words: string) => words.split(' ');

const writings: Readonly<Record<Locale, Writing>> = {
  ru: {
    months: list('января февраля марта апреля мая июня июля августа сентября октября ноября декабря'),
    briefMonths: list('янв. февр. мар. апр. мая июн. июл. авг. сент. окт. нояб. дек.'),
    mark: '.', decimal: ',', group: '\u00a0', units: { minute: ' мин', hour: ' ч', day: ' д.' },
    date: (day, month, year) => (year ? `${day} ${month} ${year} г.` : `${day} ${month}`), at: ' в ',
  },
  kk: {
    months: list('қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан'),
    briefMonths: list('қаң. ақп. нау. сәу. мам. мау. шіл. там. қыр. қаз. қар. жел.'),
    mark: '.', decimal: ',', group: '\u00a0', units: { minute: ' мин', hour: ' сағ', day: ' күн' },
    date: (day, month, year) => (year ? `${year} ж. ${day} ${month}` : `${day} ${month}`), at: ', ',
  },
  en: {
    months: list('January February March April May June July August September October November December'),
    briefMonths: list('Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec'),
    mark: '/', decimal: '.', group: ',', units: { minute: 'm', hour: 'h', day: 'd' },
    date: (day, month, year) => (year ? `${day} ${month} ${year}` : `${day} ${month}`), at: ' at ',
  },
};

const two = (value: number) => String(value).padStart(2, '0');

/** A date, its parts as `style` asks for them: all figures, or the day with its month and whatever else. */
export function writtenDate(locale: Locale, date: Date, style: Intl.DateTimeFormatOptions): string {
  const { months, briefMonths, mark, date: written, at } = writings[locale];
  if (style.month === '2-digit') return [two(date.getDate()), two(date.getMonth() + 1), two(date.getFullYear() % 100)].join(mark);
  const clock = style.hour ? `${two(date.getHours())}:${two(date.getMinutes())}` : '';
  const month = (style.month === 'short' ? briefMonths : months)[date.getMonth()] ?? '';
  const day = style.day ? written(date.getDate(), month, style.year ? date.getFullYear() : undefined) : '';
  return [day, clock].filter(Boolean).join(at);
}

/** A whole number below a million, or one below a thousand with one decimal at most; another is left to Intl. */
export function writtenNumber(locale: Locale, value: number): string | undefined {
  const { decimal, group } = writings[locale];
  if (value >= 1000 && value < 1e6 && Number.isInteger(value)) return `${Math.floor(value / 1000)}${group}${String(value % 1000).padStart(3, '0')}`;
  if (!(value >= 0 && value < 999.5)) return undefined;
  return String(Math.round(Number((value * 10).toPrecision(12))) / 10).replace('.', decimal);
}

/** So many minutes, hours or days, in as few letters as will do. */
export function writtenSpan(locale: Locale, value: number, unit: 'minute' | 'hour' | 'day', digits = 1): string {
  return String(value).padStart(digits, '0') + (writings[locale].units[unit] ?? '');
}
