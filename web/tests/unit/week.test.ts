import { expect, it } from 'vitest';
import { byYear, ended, merged, next, shown, total, wrong } from '../../src/tenant/settings/week';

it('takes midnight as the end of the day for the end of an interval', () => {
  expect(shown('24:00')).toBe('00:00');
  expect(ended('00:00')).toBe('24:00');
  expect(wrong([{ from: '00:00', to: ended('00:00') }])).toBeUndefined();
});

it('says what is wrong with a day', () => {
  expect(wrong([{ from: '09:00', to: '09:00' }])).toBe('ends');
  expect(wrong([{ from: '', to: '18:00' }])).toBe('ends');
  expect(wrong([{ from: '14:00', to: '18:00' }, { from: '09:00', to: '14:30' }])).toBe('overlaps');
  expect(wrong([{ from: '14:00', to: '18:00' }, { from: '09:00', to: '14:00' }])).toBeUndefined();
});

it('offers an interval that fits after the last one', () => {
  expect(next([])).toEqual({ from: '09:00', to: '18:00' });
  expect(next([{ from: '09:00', to: '13:00' }])).toEqual({ from: '14:00', to: '18:00' });
  expect(next([{ from: '09:00', to: '22:30' }])).toEqual({ from: '23:00', to: '24:00' });
});

it('adds a week up and keeps holidays in order, none twice', () => {
  expect(total([[{ from: '09:00', to: '18:00' }], [{ from: '22:00', to: '24:00' }], []])).toBe(11 * 60);
  const days = merged(['2026-12-16'], ['2026-01-01', '2026-12-16', '2027-01-01']);
  expect(byYear(days)).toEqual([['2026', ['2026-01-01', '2026-12-16']], ['2027', ['2027-01-01']]]);
});
