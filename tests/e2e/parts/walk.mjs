/** Pages in their states, one after another, each examined in all sizes, light and dark. */
import assert from 'node:assert/strict';
import { faultsOf } from './look.mjs';
import { sizes, zooms } from './stage.mjs';

const everywhere = [...Object.keys(sizes)].flatMap((size) => ['light', 'dark'].map((theme) => [size, theme]));
/** Examines a page as it is now, in each of `looks`: size, theme and whether colours are forced. */
async function examine(stage, page, name, { off = [], looks = everywhere } = {}) {
  const found = [];
  for (const [size, theme, forcedColors = 'none'] of looks) {
    const room = sizes[size] ?? zooms[size];
    await page.setViewportSize(room);
    await page.emulateMedia({ colorScheme: theme, forcedColors });
    await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
    await stage.shot(page, `${name}-${sizes[size] ? room.width : size}-${theme}`);
    found.push(...(await faultsOf(page, `${name} ${room.width}×${room.height} ${theme}`, off)));
  }
  return found;
}

/** Goes through `states`, one after another in one window: [name, how to get there, options]. */
export async function walk(stage, page, states) {
  const found = [];
  for (const [name, go, options] of states) {
    await page.setViewportSize(sizes.desktop);
    await go(page);
    found.push(...(await examine(stage, page, name, options)));
  }
  assert.deepEqual(found, []);
}
