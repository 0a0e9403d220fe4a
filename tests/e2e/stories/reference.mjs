/** The API reference: it lists what the server can do, finds it, speaks three languages and calls it. */
import assert from 'node:assert/strict';
import { until } from '../parts/until.mjs';

export default {
  async 'the reference lists every action, finds one, changes its language and makes a call with a key'({ stage, desk }) {
    const { paths } = await (await fetch(`${desk.address}/api/openapi.json`)).json();
    const actions = Object.keys(paths).map((path) => /\/api\/(\w+)(?:\.php)?\/(\w+)$/.exec(path)).filter(Boolean).map(([, surface, name]) => `#/${surface}/${name}`);
    assert.ok(actions.length > 60);
    const page = await stage.window();
    await page.goto(`${desk.origin}/docs.html`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.locator(`nav a[href="${actions[0]}"]`).waitFor();
    const linked = await page.locator('nav a.code').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    assert.deepEqual([...linked].sort(), [...actions].sort());
    await stage.shot(page, 'reference-guide');

    await page.getByTestId('search').fill('смет');
    await page.locator('nav a[href="#/admin/set_estimate"]').waitFor();
    await until('the others are gone', async () => (await page.locator('nav a[href="#/admin/list_tickets"]').count()) === 0);
    await page.getByTestId('search').fill('list tickets');
    await page.locator('nav a[href="#/admin/list_tickets"]').click();
    await page.getByRole('heading', { name: 'list_tickets', level: 1 }).waitFor();
    await stage.shot(page, 'reference-action');

    await page.locator('#try-key').fill(desk.key);
    await page.locator('#try-body').fill('{ "status": "active", "limit": 2');
    await page.getByRole('button', { name: 'Выполнить' }).or(page.locator('form .btn.primary')).first().click();
    await page.locator('#try-body[aria-invalid=true]').waitFor();
    await page.locator('#try-body').fill('{ "status": "active", "limit": 2 }');
    await page.locator('form .btn.primary').click();
    const answer = page.locator('.answer');
    await answer.getByText('200', { exact: true }).waitFor();
    const body = JSON.parse(await answer.locator('pre').textContent());
    assert.deepEqual([body.ok, body.data.tickets.length, body.data.limit], [true, 2, 2]);
    stage.allow(/list_tickets$/);
    await page.locator('#try-key').fill('tps_forged');
    await page.locator('form .btn.primary').click();
    await answer.getByText('403', { exact: true }).waitFor();

    const lead = await page.locator('.lead').textContent();
    await page.getByLabel('Язык').selectOption('kk');
    await until('Kazakh', async () => (await page.evaluate(() => document.documentElement.lang)) === 'kk' && (await page.locator('.lead').textContent()) !== lead);
    await page.goto(`${desk.origin}/docs.html?lang=en#/client/add_message`);
    await page.getByRole('heading', { name: 'add_message', level: 1 }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  },
};
