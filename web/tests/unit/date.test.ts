import { beforeEach, describe, expect, it } from 'vitest';
import { brief, dateTime, dayHeading, money, size, span } from '../../src/lib/date';
import { writtenDate, writtenNumber, writtenSpan } from '../../src/lib/i18n/written';
import { setLocale, start, t } from '../../src/lib/i18n/index.svelte';

const minute = 60_000;
beforeEach(async () => { document.documentElement.lang = 'ru'; await start('tenant'); });

describe('span', () => {
  it.each([[5, '5 мин'], [-125, '2 ч 05 мин'], [26 * 60, '1 д. 2 ч'], [12 * 1440 + 60, '12 д.']])('of %i minutes', (minutes, text) => expect(span(minutes * minute)).toBe(text));
  it('speaks Kazakh', async () => {
    await setLocale('kk');
    expect([span(5 * minute), span(26 * 60 * minute), t('common.save')]).toEqual(['5 мин', '1 күн 2 сағ', 'Сақтау']);
  });
});

it('shows the time for today and the date for other days', () => {
  const now = new Date(2026, 2, 19, 15, 0).getTime();
  expect(brief(new Date(2026, 2, 19, 9, 5), now)).toBe('09:05');
  expect(brief(new Date(2026, 1, 2, 9, 5), now)).toMatch(/^2 фев/);
  expect(brief(new Date(2025, 11, 31), now)).toBe('31.12.25');
});

it('names today and yesterday between messages', () => {
  const now = new Date(2026, 2, 19, 0, 30).getTime();
  expect(dayHeading(new Date(2026, 2, 19), now)).toBe('сегодня');
  expect(dayHeading(new Date(2026, 2, 18, 23, 59), now)).toBe('вчера');
  expect(dayHeading(new Date(2026, 2, 10), now)).toBe('10 марта');
});

it('shows sizes and sums by Intl', async () => {
  expect(size(900)).toBe('900 Б');
  await setLocale('en');
  expect([size(1536), size(5_400_000), money(48_500, 'KZT')]).toEqual(['1.5 kB', '5.1 MB', '₸48,500']);
});

it('writes Kazakh dates itself, whatever the browser knows', async () => {
  await setLocale('kk');
  const at = new Date(2026, 10, 22, 9, 5);
  const next = new Date(2026, 10, 23).getTime();
  expect([brief(at, next), dayHeading(at, next), dateTime(at), size(1536)]).toEqual(['22 қар.', 'кеше', '2026 ж. 22 қараша, 09:05', '1,5 кБ']);
});

describe('what is written by hand is what Intl writes', () => {
  const spoken = [['ru', 'ru'], ['en', 'en-GB']] as const;
  const styles: Intl.DateTimeFormatOptions[] = [
    { hour: '2-digit', minute: '2-digit' }, { day: 'numeric', month: 'short' }, { day: 'numeric', month: 'long' }, { day: '2-digit', month: '2-digit', year: '2-digit' },
    { day: 'numeric', month: 'long', year: 'numeric' }, { day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit' },
  ];
  const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');
  it.each(spoken)('dates in %s', (locale, tag) => {
    for (const style of styles) {
      const theirs = new Intl.DateTimeFormat(tag, style);
      for (let n = 0; n < 800; n += 1) {
        const at = new Date(2025, 0, 1 + n, n % 24, (n * 7) % 60);
        expect(writtenDate(locale, at, style)).toBe(plain(theirs.format(at)));
      }
    }
  });
  it.each(spoken)('numbers in %s', (locale, tag) => {
    const theirs = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 });
    for (let n = 0; n < 99_950; n += 1) expect(writtenNumber(locale, n / 100)).toBe(theirs.format(n / 100));
    for (const n of [1000, 1001, 9_999, 10_000, 54_321, 999_999]) expect(writtenNumber(locale, n)).toBe(theirs.format(n));
    expect([1e6, 1000.5, 999.9, -1, NaN].map((n) => writtenNumber(locale, n))).toEqual(Array(5).fill(undefined));
  });
  it.each(spoken)('spans in %s', (locale, tag) => {
    for (const unit of ['minute', 'hour', 'day'] as const) for (const digits of [1, 2]) {
      const theirs = new Intl.NumberFormat(tag, { style: 'unit', unit, unitDisplay: 'narrow', minimumIntegerDigits: digits });
      for (let n = 0; n < 400; n += 1) expect(writtenSpan(locale, n, unit, digits)).toBe(plain(theirs.format(n)));
    }
  });
});
