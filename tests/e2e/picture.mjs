/** Makes the picture of the README: `node tests/e2e/picture.mjs [--binary PATH]` writes queue.png beside this file. */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findBinary } from './parts/binary.mjs';
import { Stage } from './parts/stage.mjs';
import { messageWith, openQueue, rowOf } from './parts/steps.mjs';
import { World } from './parts/world.mjs';

const most = 300_000;
const subject = 'В счёте из CRM неверно считается НДС';

const { values } = parseArgs({ options: { binary: { type: 'string' } } });
const path = fileURLToPath(new URL('queue.png', import.meta.url));
const world = await World.start(findBinary(values.binary));
const stage = new Stage(world);
try {
  const { tickets } = await world.api.admin('list_tickets', { search: subject });
  const { id } = tickets.find((ticket) => ticket.subject === subject && ticket.status === 'reopened');
  const page = await stage.operator('erlan');
  await openQueue(page, world.desk, 'mine');
  await rowOf(page, id).click();
  await page.mouse.move(0, 0);
  await messageWith(page, 'Внутренняя заметка').waitFor();
  await page.getByRole('complementary').getByText('Другие заявки клиента').waitFor();
  await page.screenshot({ path, scale: 'css' });
  await stage.close();
} finally {
  await world.stop();
}
// 256 colours are enough for a page; without ImageMagick the picture stays as it is.
spawnSync('convert', [path, '+dither', '-colors', '256', '-strip', `PNG8:${path}`]);
const { size } = statSync(path);
console.log(`${path}: ${size} bytes`);
process.exitCode = size > most ? 1 : 0;
