import { beforeAll, describe, expect, it } from 'vitest';
import { start } from '../../src/lib/i18n/index.svelte';
import { laterOptions } from '../../src/tenant/ticket/when';

describe('times that something is put off to', () => {
  beforeAll(async () => { document.documentElement.lang = 'en'; await start('tenant'); });
  // The 22nd of November 2026 is a Sunday.
  const values = (day: number, hour: number) => laterOptions(new Date(2026, 10, 22 + day, hour, 30)).map((x) => x.value);

  it('offers each time once, on every day and at every hour', () => {
    for (let day = 0; day < 7; day += 1) {
      for (let hour = 0; hour < 24; hour += 1) {
        const offered = values(day, hour);
        expect(new Set(offered).size, `day ${day} at ${hour}:30`).toBe(offered.length);
        expect(offered.slice(0, -1).every((at) => new Date(at) > new Date(2026, 10, 22 + day, hour, 30))).toBe(true);
      }
    }
  });

  it('calls Monday tomorrow on a Sunday, and the next Monday by its name on a Monday', () => {
    const labels = (day: number) => laterOptions(new Date(2026, 10, 22 + day, 12)).map((x) => x.label);
    expect(labels(0)).toHaveLength(5);
    expect(labels(1)).toHaveLength(5);
    expect(labels(3)).toHaveLength(6);
    const [, , tomorrow, monday, week] = labels(3);
    expect(labels(0)).not.toContain(monday);
    expect(labels(0)).toContain(tomorrow);
    expect(labels(1)).not.toContain(week);
  });
});
