/** The portal inside a frame of somebody else's site. */
import assert from 'node:assert/strict';
import { until } from '../parts/until.mjs';

export default {
  async 'in a frame of another site the portal works, hides its token and tells how tall it is'({ world, stage, desk }) {
    const { sites } = world;
    const shop = sites.put('shop.test', '/account', `<!doctype html><html lang="ru"><meta charset="utf-8"><title>Кабинет</title><h1>Кабинет</h1>
      <iframe title="Поддержка" src="${desk.origin}/embed.html?ctoken=${desk.clientToken}" width="640" height="200"></iframe>
      <script>window.heights = []; addEventListener('message', ({ origin, data, source }) => {
        if (origin !== '${desk.origin}' || source !== frames[0] || data?.tehprof !== 'height') return;
        window.heights.push(data.value); document.querySelector('iframe').height = data.value; });</script></html>`);
    stage.allowOrigin(sites.origin('shop.test'));
    stage.allow(/shop\.test:\d+\/favicon\.ico/);
    const page = await stage.window();
    await page.goto(shop);
    const inside = page.frameLocator('iframe');
    await inside.getByTestId('portal-ticket').first().waitFor();
    const frame = page.frames()[1];
    assert.ok(!frame.url().includes('ct_'), frame.url());
    await until('the frame is as tall as it says', () => page.evaluate(() => window.heights.at(-1) > 300 && document.querySelector('iframe').clientHeight === window.heights.at(-1)));
    assert.ok(await frame.evaluate(() => document.documentElement.scrollHeight <= innerHeight + 1), 'nothing is left to scroll inside');
    await stage.shot(page, 'embed');

    const before = await page.evaluate(() => window.heights.at(-1));
    await inside.getByTestId('new-ticket').click();
    await inside.getByTestId('subject').fill('Из кабинета магазина');
    await inside.getByTestId('description').fill('Заказ не оплачивается.');
    await inside.getByTestId('submit').click();
    await inside.getByRole('log').getByText('Заказ не оплачивается.').waitFor();
    await until('another page tells another height', () => page.evaluate((was) => window.heights.at(-1) !== was, before));
    const { tickets } = await world.portal.client('list_tickets', { search: 'кабинета магазина' });
    assert.equal(tickets.length, 1);
    await inside.getByTestId('reply').fill('Это срочно');
    await inside.getByTestId('submit').click();
    await inside.getByRole('log').getByText('Это срочно').waitFor();
    assert.equal(await frame.evaluate(() => { try { return localStorage.getItem('tp.ctoken'); } catch { return null; } }), null, 'a frame keeps the token no longer than the tab');
  },

  async 'the desk itself cannot be framed'({ world, stage, desk }) {
    const { sites } = world;
    const trap = sites.put('shop.test', '/trap', `<!doctype html><html lang="en"><title>Trap</title><iframe src="${desk.origin}/tenant.html"></iframe></html>`);
    stage.allowOrigin(sites.origin('shop.test'));
    stage.allow(/frame-ancestors|favicon/);
    const page = await stage.operator('aigerim');
    await page.goto(trap);
    await until('the browser refuses', () => page.frames()[1]?.url().startsWith('chrome-error:'));
  },
};
