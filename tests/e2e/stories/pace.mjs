/** How long an operator waits at a desk with 5,000 open tickets. It prints what it measures and judges only that the right thing is shown. */
import assert from 'node:assert/strict';
import { availableParallelism, loadavg } from 'node:os';
import { Api } from '../parts/api.mjs';
import { Desk } from '../parts/desk.mjs';
import { newestFirst, openQueue } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';
import { emailOf, password } from '../parts/world.mjs';

const many = 5000;
const slower = 4;

/** Runs in the page: tells how long it took from a key to the frame that shows another ticket with its messages. */
function watchSteps() {
  window.steps = [];
  addEventListener('keydown', (event) => {
    if (!/^Key[JK]$/.test(event.code)) return;
    const began = event.timeStamp;
    const before = document.querySelector('#conversation')?.getAttribute('aria-label');
    const look = () => {
      const now = document.querySelector('#conversation')?.getAttribute('aria-label');
      if (now === before || !document.querySelector('#conversation [data-message-id]')) return requestAnimationFrame(look);
      // This frame holds it; a message that is posted in it arrives when it has been painted.
      const painted = new MessageChannel();
      painted.port1.onmessage = () => window.steps.push(performance.now() - began);
      return painted.port2.postMessage('');
    };
    requestAnimationFrame(look);
  }, true);
}

const at = (times, part) => times.toSorted((a, b) => a - b)[Math.ceil(times.length * part) - 1];

export default {
  async 'with 5,000 open tickets the next one is there at once'({ world, stage }) {
    const desk = await Desk.start(world.binary);
    try {
      stage.allowOrigin(desk.origin);
      const api = await Api.signIn(desk.address, emailOf('aigerim'), password);
      const { active } = await api.admin('ticket_counts');
      let left = many - active;
      const make = async () => {
        while (left > 0) {
          left -= 1;
          await api.admin('create_ticket', { subject: `Заявка ${left}: не открывается отчёт за месяц`, description: 'Здравствуйте! После обновления отчёт не открывается, помогите, пожалуйста.', portal_domain: 'client.bitrix24.kz' });
        }
      };
      await Promise.all(Array.from({ length: 12 }, make));
      const page = await stage.operator('aigerim', { session: Promise.resolve(api) });
      await page.context().addCookies([{ ...api.cookie, url: desk.origin, httpOnly: true, sameSite: 'Lax' }]);
      await openQueue(page, desk, 'all');
      await newestFirst(page);
      assert.ok((await api.admin('ticket_counts')).active >= many);
      const throttle = await page.context().newCDPSession(page);
      await throttle.send('Emulation.setCPUThrottlingRate', { rate: slower });
      await page.evaluate(watchSteps);
      const shown = () => page.evaluate(() => document.querySelector('#conversation')?.getAttribute('aria-label'));
      const rows = await page.evaluate(() => [...document.querySelectorAll('[data-testid=ticket-row]')].map((row) => Number(row.dataset.ticketId)));
      await page.locator(`[data-ticket-id="${rows[0]}"]`).click();
      await page.locator('#conversation [data-message-id]').first().waitFor();
      const path = [];
      for (const key of ['j'.repeat(24), 'k'.repeat(12)].join('')) {
        const before = await page.evaluate(() => window.steps.length);
        // The neighbours are fetched while the ticket is looked at; this is how short a look may be.
        await page.waitForTimeout(350);
        await page.keyboard.press(key);
        await until('the next ticket to be painted', () => page.evaluate((n) => window.steps.length > n, before));
        path.push(await shown());
      }
      assert.equal(new Set(path.slice(0, 24)).size, 24, 'every step shows another ticket');
      assert.deepEqual(path.slice(24), path.slice(11, 23).reverse(), 'going back shows the same ones again');
      const times = await page.evaluate(() => window.steps);
      console.log(`      key to painted ticket, ${many} open, ${slower}x slower: p50 ${at(times, 0.5).toFixed(0)} ms, p75 ${at(times, 0.75).toFixed(0)} ms, worst ${Math.max(...times).toFixed(0)} ms (load ${loadavg()[0].toFixed(1)} on ${availableParallelism()} processors)`);
    } finally {
      assert.equal(await desk.stop(), 0);
    }
  },
};
