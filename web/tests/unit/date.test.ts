import { beforeEach, describe, expect, it } from 'vitest';
import { brief, dateTime, dayHeading, money, size, span } from '../../src/lib/date';
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
