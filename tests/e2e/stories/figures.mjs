/** The figures: what a supervisor reads on the page is what the server says, as a table, as files and on the wall. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { until } from '../parts/until.mjs';

const figureOf = (page, label) => page.locator('.tiles li', { hasText: label }).locator('.value');

export default {
  async 'the analysis of a period shows the days, the team and where tickets come from'({ stage, desk, world }) {
    const page = await stage.operator('supervisor');
    await page.goto(`${desk.origin}/tenant.html#/dashboard`);
    await page.getByRole('link', { name: 'Аналитика' }).click();
    await page.getByRole('heading', { name: 'Аналитика', level: 1 }).waitFor();
    const { admin } = await world.as('supervisor').then((api) => ({ admin: api.admin.bind(api) }));
    const month = await admin('dashboard_analytics', { days: 30 });
    const created = month.daily.reduce((sum, day) => sum + day.created, 0);
    assert.ok(created > 0);
    await until('the month', async () => Number((await figureOf(page, 'Поступило').textContent()).replace(/\D/g, '')) === created);
    await page.getByText('Показать таблицей').click();
    assert.equal(await page.locator('details tbody tr').count(), 30);
    for (const { name } of await admin('report_operators', { days: 30 })) await page.getByRole('rowheader', { name, exact: true }).waitFor();
    const ratings = page.getByTestId('ratings');
    assert.ok(month.csat.count > 0);
    assert.equal(await ratings.locator('.big').textContent(), month.csat.avg.toFixed(1).replace('.', ','));
    assert.deepEqual(await ratings.locator('dd span').allTextContents(), ['5', '4', '3', '2', '1'].map((stars) => String(month.csat.distribution[stars])));

    await page.getByRole('radio', { name: '7 дней' }).check();
    const week = await admin('dashboard_analytics', { days: 7 });
    await until('the week', async () => Number((await figureOf(page, 'Поступило').textContent()).replace(/\D/g, '')) === week.daily.reduce((sum, day) => sum + day.created, 0));
    assert.equal(await page.locator('details tbody tr').count(), 7);
  },

  async 'a report is saved as a spreadsheet, as CSV and as a picture'({ stage, desk }) {
    const page = await stage.operator('supervisor');
    await page.goto(`${desk.origin}/tenant.html#/analytics`);
    const save = async (item) => {
      await page.getByRole('button', { name: 'Выгрузить' }).click();
      const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: item }).click()]);
      return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
    };
    await page.locator('svg[role=img]').waitFor();
    const sheet = await save('Заявки, Excel');
    assert.equal(sheet.name, 'tickets-30.xlsx');
    assert.equal(sheet.bytes.subarray(0, 2).toString(), 'PK');
    const text = await save('Сотрудники, CSV');
    assert.equal(text.name, 'operators-30.csv');
    assert.match(text.bytes.toString(), /^operator_id,name,assigned,done,[^]*csat_avg,csat_count,[^]*Айгерим Бекова/);
    const picture = await save('График, PNG');
    assert.equal(picture.name, 'tickets-30.png');
    assert.equal(picture.bytes.subarray(1, 4).toString(), 'PNG');
    assert.ok(picture.bytes.length > 5_000, 'something is drawn on it');
  },

  async 'the wallboard follows what happens without being touched'({ stage, desk, world }) {
    const page = await stage.operator('supervisor');
    await page.goto(`${desk.origin}/tenant.html#/wallboard`);
    await page.getByTestId('wallboard').waitFor();
    const fresh = async () => Number((await figureOf(page, 'Новые').textContent()).replace(/\D/g, ''));
    const before = await fresh();
    await world.ticket('Не открывается касса на втором этаже');
    await until('the new ticket is counted', async () => (await fresh()) === before + 1);
    await page.getByRole('link', { name: 'Назад' }).click();
    await page.getByRole('heading', { name: 'Сводка', level: 1 }).waitFor();
  },
};
