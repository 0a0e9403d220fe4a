/** What a slow machine on a slow line makes of the pages: it prints the web's usual figures and judges what cannot depend on who else uses this machine. */
import assert from 'node:assert/strict';
import { availableParallelism, loadavg } from 'node:os';
import { messageWith } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';

const slower = 4;
const line = { offline: false, latency: 40, downloadThroughput: 10e6 / 8, uploadThroughput: 10e6 / 8 };
const stillness = 0.05;

/** Runs in every page from its first moment. */
function watch() {
  window.vitals = { lcp: 0, cls: 0, moved: [], events: new Map() };
  const on = (type, each, more = {}) => new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true, ...more });
  on('largest-contentful-paint', (entry) => { window.vitals.lcp = entry.startTime; });
  on('layout-shift', (entry) => {
    if (entry.hadRecentInput) return;
    window.vitals.cls += entry.value;
    window.vitals.moved.push(`${entry.value.toFixed(3)}: ${entry.sources.map(({ node, previousRect, currentRect }) => `${node?.nodeName} ${node?.className ?? node?.textContent} from ${previousRect.y} to ${currentRect.y}`).join(', ')}`);
  });
  on('event', (entry) => { if (entry.interactionId) window.vitals.events.set(entry.interactionId, Math.max(entry.duration, window.vitals.events.get(entry.interactionId) ?? 0)); }, { durationThreshold: 16 });
}

async function slow(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', line);
  await session.send('Emulation.setCPUThrottlingRate', { rate: slower });
  await page.addInitScript(watch);
}

/** The figures of a page once it is quiet. */
async function figures(page, name) {
  await page.waitForTimeout(1000);
  const { lcp, cls, moved, times } = await page.evaluate(() => ({ lcp: window.vitals.lcp, cls: window.vitals.cls, moved: window.vitals.moved, times: [...window.vitals.events.values()].sort((a, b) => a - b) }));
  const at = (part) => times[Math.ceil(times.length * part) - 1] ?? 0;
  console.log(`      ${name}, ${slower}x slower, 10 Mbit: LCP ${lcp.toFixed(0)} ms, INP p75 ${at(0.75)} ms, worst ${at(1)} ms of ${times.length}, CLS ${cls.toFixed(3)} (load ${loadavg()[0].toFixed(1)} on ${availableParallelism()} processors)`);
  assert.ok(lcp > 0, 'something large was painted');
  assert.ok(cls < stillness, `the ${name} jumps: ${cls}\n${moved.join('\n')}`);
}

/** Opens a page whose code is kept away until it has asked for `first`. */
async function open(page, url, shown, first) {
  const asked = [];
  page.on('request', (request) => { if (/\/api\/(admin|client)\.php\//.test(request.url())) asked.push(request.url().split('/').pop()); });
  await page.route(/\/assets\/page[^/]*\.js$/, async (route) => {
    await until(`asked for ${first}`, () => first.every((action) => asked.includes(action)));
    await route.continue();
  });
  await page.goto(url);
  await shown.waitFor();
}

export default {
  async 'a page has asked for what it shows first before its code is here, and takes the answers'({ world, stage, desk }) {
    const { id } = await world.portal.client('create_ticket', { subject: 'Первый вопрос', description: 'Что спрашивает страница' });
    const clerk = await stage.operator('aigerim');
    await clerk.goto(`${desk.origin}/tenant.html#/queue/active`);
    await clerk.getByTestId('ticket-row').first().waitFor();
    const client = await stage.window({ size: 'phone' });
    const link = `${desk.origin}/index.html?ctoken=${desk.clientToken}`;
    await client.goto(link);
    await client.getByTestId('portal-ticket').first().waitFor();
    const cases = [
      ['the desk', await clerk.context().newPage(), `${desk.origin}/tenant.html#/queue/active`, 'ticket-row', ['me', 'list_tickets']],
      ['the portal', await client.context().newPage(), link, 'portal-ticket', ['list_tickets', 'client_dashboard', 'me', 'kb_articles']],
      ['a ticket of the portal', await client.context().newPage(), `${link}#/ticket/${id}`, 'reply', ['get_ticket', 'me', 'kb_articles']],
    ];
    for (const [name, page, url, shown, first] of cases) {
      await open(page, url, page.getByTestId(shown).first(), first);
      assert.deepEqual(await page.evaluate(() => Object.keys(window.tehprofAhead)), [], `${name} has taken every answer`);
      await page.close();
    }
  },

  async 'the desk comes, answers and stays still on a slow machine'({ world, stage, desk }) {
    const { id } = await world.ticket('Медленный ноутбук');
    const page = await stage.operator('aigerim');
    await slow(page);
    await page.goto(`${desk.origin}/tenant.html#/queue/active`);
    await page.getByTestId('ticket-row').first().waitFor();
    await page.waitForTimeout(1500);
    for (const key of 'jjjjkk') {
      await page.keyboard.press(key);
      await page.waitForTimeout(400);
    }
    await page.goto(`${desk.origin}/tenant.html#/t/${id}`);
    await messageWith(page, 'Помогите').waitFor();
    await page.keyboard.press('r');
    await page.keyboard.type('Уже смотрим.', { delay: 60 });
    await page.keyboard.press('Control+Enter');
    await messageWith(page, 'Уже смотрим.').and(page.locator('[data-message-id]')).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.locator('[role=dialog] input:focus').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Фильтры' }).click();
    await page.getByLabel('Приоритет', { exact: true }).waitFor();
    await figures(page, 'desk');
  },

  async 'the portal comes, answers and stays still on a slow machine'({ world, stage, desk }) {
    const { id } = await world.portal.client('create_ticket', { subject: 'Медленный телефон', description: 'Страница открывается долго' });
    const page = await stage.window({ size: 'phone' });
    await slow(page);
    await page.goto(`${desk.origin}/index.html?ctoken=${desk.clientToken}`);
    await page.getByTestId('portal-ticket').first().waitFor();
    await page.locator(`a[href="#/ticket/${id}"]`).first().click();
    await page.getByTestId('reply').click();
    await page.keyboard.type('Спасибо, жду.', { delay: 60 });
    await page.getByTestId('reply').press('Control+Enter');
    await page.getByRole('log').getByText('Спасибо, жду.').waitFor();
    await figures(page, 'portal');
  },
};
