/** The page of a client: who it is, what it has left of its hours, what it asked for, and what may be changed. */
import assert from 'node:assert/strict';
import { until } from '../parts/until.mjs';

const domain = 'nurly-dent.bitrix24.kz';

export default {
  async 'a client is opened from the list, shows its hours and tickets, and a booking moves the hours'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Карточка клиента: не открывается касса', { portal_domain: domain });
    const page = await stage.operator('admin');
    await page.goto(`${desk.origin}/tenant.html#/clients`);
    const { company_name: name, hours_used: used } = (await api.admin('list_clients', { search: domain })).find((x) => x.portal_domain === domain);
    await page.getByRole('searchbox').fill(name);
    await page.getByRole('link', { name }).click();
    await page.getByRole('heading', { name, level: 1 }).waitFor();
    const hours = page.locator('section.hours');
    const shown = async () => Number(/\d+(,\d+)?/.exec(await hours.locator('.num').textContent())[0].replace(',', '.'));
    assert.equal(await shown(), Math.round(used * 10) / 10);
    await page.getByRole('link', { name: 'Карточка клиента: не открывается касса' }).click();
    await page.getByRole('region', { name: `Заявка #${id}` }).waitFor();
    await api.admin('log_time', { ticket_id: id, minutes: 90, description: 'Настройка кассы' });
    await page.getByRole('complementary').getByRole('link', { name }).click();
    await until('the hours have moved', async () => (await shown()) === Math.round((used + 1.5) * 10) / 10);
    await stage.shot(page, 'client-card');

    await page.getByRole('button', { name: 'Заявки клиента' }).click();
    await until('only its tickets are listed', async () => {
      const companies = await page.locator('[data-testid=ticket-row] .client').allTextContents();
      return companies.length > 0 && companies.every((x) => x.trim() === name);
    });
  },
};
