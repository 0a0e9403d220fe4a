import { describe, expect, it } from 'vitest';
import { contrast, onColour, parse, readable } from '../../src/lib/colour';

describe('white label', () => {
  it('keeps AA contrast for any brand colour', () => {
    for (let i = 0; i < 4096; i += 7) {
      const brand = parse(`#${(i * 4099 % 0xffffff).toString(16).padStart(6, '0')}`);
      expect(contrast(brand, onColour(brand))).toBeGreaterThanOrEqual(4.5);
      for (const surface of ['#ffffff', '#161b1e']) expect(contrast(readable(brand, parse(surface)), parse(surface))).toBeGreaterThanOrEqual(4.5);
    }
  });
});
