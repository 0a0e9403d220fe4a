/**
 * Browser tests over the real program: `node tests/e2e/run.mjs [--binary PATH] [--shots DIR] [--only WORD]`.
 * Needs Chromium (CHROMIUM names another than Debian's) and the packages of web/. Ends with a line `N passed, N failed`.
 */
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { findBinary } from './parts/binary.mjs';
import { Stage } from './parts/stage.mjs';
import { World } from './parts/world.mjs';

const stories = ['setup', 'access', 'mail', 'hostile-mail', 'lab', 'messengers', 'staff', 'operator', 'writing', 'finding', 'clients', 'figures', 'keyboard', 'together', 'session', 'verbs', 'pace', 'vitals', 'portal', 'sla', 'embed', 'widget', 'knowledge', 'automation', 'reference', 'tenants', 'looks', 'states', 'guests', 'zoom'];
const longest = 120_000;

const { values } = parseArgs({ options: { binary: { type: 'string' }, shots: { type: 'string' }, only: { type: 'string', default: '' } } });

const begun = Date.now();
const seconds = (from) => `${((Date.now() - from) / 1000).toFixed(1)} s`;
let passed = 0;
let failed = 0;

async function check(name, run) {
  const from = Date.now();
  let late;
  try {
    await Promise.race([run(), new Promise((_, reject) => { late = setTimeout(() => reject(new Error(`not done within ${longest} ms`)), longest); })]);
    passed += 1;
    console.log(`ok    ${name} (${seconds(from)})`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name} (${seconds(from)})\n      ${String(error?.stack ?? error).slice(0, 4000).replaceAll('\n', '\n      ')}`);
  } finally {
    clearTimeout(late);
  }
}

const world = await World.start(findBinary(values.binary));
for (const story of stories) {
  const { default: tests } = await import(`./stories/${story}.mjs`);
  for (const [at, [name, run]] of Object.entries(tests).entries()) {
    if (!`${story} ${name}`.includes(values.only)) continue;
    await check(name, async () => {
      const stage = new Stage(world, values.shots);
      let fault;
      try {
        await run({ world, stage, desk: world.desk, api: world.api });
      } catch (error) {
        fault = error;
        await stage.failed(`${story}-${at + 1}`);
      }
      await stage.close().catch((error) => { fault ??= error; });
      if (fault) throw fault;
    });
  }
}
await check('the server has logged no fault and stops when it is told to', async () => {
  const { faults } = world.desk;
  assert.equal(await world.stop(), 0);
  assert.deepEqual(faults, []);
});
console.log(`${seconds(begun)} in all`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
