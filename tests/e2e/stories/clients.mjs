/** The page of a client: who it is, what it has left of its hours, what it asked for, and what may be changed. */
import assert from 'node:assert/strict';
import { sizes } from '../parts/stage.mjs';
import { toast } from '../parts/steps.mjs';
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

  async 'an admin deletes a contact: the tickets stay without a name, or go too after one more step'({ world, stage, desk, api }) {
    const person = async (name, email, subject) => {
      const { id: contact } = await api.admin('save_contact', { name, email, portal_domain: domain });
      const { id } = await world.ticket(subject, { portal_domain: domain, contact_email: email, contact_name: name });
      return { contact, id };
    };
    const kept = await person('Сауле Уходящая', 'saule.leaves@client.example', 'Уходит: заявка остаётся');
    const erased = await person('Марат Стираемый', 'marat.erased@client.example', 'Уходит: заявка стирается');
    const operator = await stage.operator('erlan');
    await operator.goto(`${desk.origin}/tenant.html#/clients/${domain}`);
    await operator.getByText('Сауле Уходящая').waitFor();
    assert.equal(await operator.getByRole('button', { name: 'Удалить контакт Сауле Уходящая' }).count(), 0, 'only an admin deletes');

    const page = await stage.operator('admin');
    stage.allow(/get_ticket$/); // a neighbour in the list, fetched ahead, may be the one that was erased
    await page.goto(`${desk.origin}/tenant.html#/clients/${domain}`);
    await page.getByRole('button', { name: 'Удалить контакт Сауле Уходящая' }).click();
    const dialog = page.getByRole('dialog', { name: 'Удалить контакт: Сауле Уходящая' });
    await dialog.getByText('У контакта 1 заявка').waitFor();
    await stage.shot(page, 'contact-delete');
    await dialog.getByRole('button', { name: 'Удалить контакт' }).click();
    await toast(page, 'осталась 1 заявка без имени').waitFor();
    await page.getByText('Сауле Уходящая').waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Удалить контакт Марат Стираемый' }).click();
    const second = page.getByRole('dialog', { name: 'Удалить контакт: Марат Стираемый' });
    await second.getByLabel('Стереть и заявки').check();
    const submit = second.getByRole('button', { name: 'Удалить контакт и заявки' });
    assert.equal(await submit.getAttribute('aria-disabled'), 'true', 'erasing takes one more step');
    await submit.click({ force: true });
    await second.getByLabel('Да, стереть заявки навсегда').check();
    for (const [size, theme] of [['desktop', 'light'], ['desktop', 'dark'], ['phone', 'light'], ['phone', 'dark']]) {
      await page.setViewportSize(sizes[size]);
      await page.emulateMedia({ colorScheme: theme });
      await stage.shot(page, `contact-erase-${size}-${theme}`);
    }
    await page.setViewportSize(sizes.desktop);
    await page.emulateMedia({ colorScheme: 'light' });
    await submit.click();
    await toast(page, 'стёрта 1 заявка').waitFor();
    await assert.rejects(api.admin('get_ticket', { ticket_id: erased.id }), { code: 'ticket_not_found' });

    await page.goto(`${desk.origin}/tenant.html#/t/${kept.id}`);
    const ticket = page.getByRole('region', { name: `Заявка #${kept.id}` });
    await ticket.getByText('Удалённый контакт').first().waitFor();
    assert.ok(!(await page.content()).includes('Уходящая'), 'the name is nowhere');
    await stage.shot(page, 'contact-deleted-ticket');

    // Whoever belongs to no client is deleted from where their ticket tells of them.
    const { id: stranger } = await world.ticket('Уходит: без клиента', { contact_email: 'gone@stranger.example', contact_name: 'Игорь Ничей' });
    await page.goto(`${desk.origin}/tenant.html#/t/${stranger}`);
    const details = page.getByRole('complementary');
    await details.getByText('Игорь Ничей').waitFor();
    await details.getByRole('button', { name: 'Удалить контакт…' }).click();
    await page.getByRole('dialog', { name: 'Удалить контакт: Игорь Ничей' }).getByRole('button', { name: 'Удалить контакт' }).click();
    await details.getByText('Удалённый контакт').waitFor();
    await details.getByRole('button', { name: 'Удалить контакт…' }).waitFor({ state: 'detached' });
  },
};
