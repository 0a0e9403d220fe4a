/** Rules, macros and notifications: written by an admin, tried without consequences, at work in a ticket, told to whom it concerns. */
import assert from 'node:assert/strict';
import { messageWith, openTicket, ticketBecomes, toast } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';

export default {
  async 'an admin writes a rule, tries it on the last tickets, and it works on the next one'({ stage, desk, api, world }) {
    const admin = await world.as('admin');
    const page = await stage.operator('admin');
    await page.goto(`${desk.origin}/tenant.html#/settings/automation`);
    await page.getByText('Срочные — свободному сотруднику').first().waitFor();
    await page.getByRole('button', { name: 'Новое правило' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Название').fill('Ксерокс — в метку');
    const all = dialog.getByRole('group', { name: 'Все условия' });
    await all.getByRole('button', { name: 'Добавить условие' }).click();
    await all.getByLabel('Что проверить').selectOption('subject');
    await all.getByLabel('Значение').fill('ксерокс');
    await dialog.getByLabel('Что сделать').selectOption('add_tag');
    await dialog.getByLabel('Значение').last().fill('оргтехника');
    const before = (await admin.admin('list_trigger_runs', {})).total;
    await dialog.getByRole('button', { name: 'Проверить на последних заявках' }).click();
    await dialog.getByText(/Подходит 0 из 20/).waitFor();
    await stage.shot(page, 'automation-form');
    await dialog.getByRole('button', { name: 'Сохранить' }).click();
    await toast(page, 'Сохранено').waitFor();
    await page.getByText('Ксерокс — в метку').first().waitFor();
    assert.equal((await admin.admin('list_trigger_runs', {})).total, before, 'a trial leaves no trace');

    const { id } = await api.admin('create_ticket', { subject: 'Ксерокс жуёт бумагу', description: 'Второй день.' });
    await ticketBecomes(api, id, 'tagged by the rule', (ticket) => ticket.tags.some((tag) => tag.name === 'оргтехника'));
    await page.reload();
    await page.getByRole('link', { name: `#${id} Ксерокс жуёт бумагу` }).waitFor();
    await stage.shot(page, 'automation');
    await page.getByRole('button', { name: 'Выше: Ксерокс — в метку' }).click();
    await until('the rule has moved up', async () => (await admin.admin('list_triggers', {})).at(-1).name !== 'Ксерокс — в метку');
  },

  async 'a macro is looked at and then says and does everything in one go'({ stage, desk, api }) {
    const { id } = await api.admin('create_ticket', { subject: 'Договор', description: 'Нужен счёт.', contact_name: 'Асем Ким' });
    const page = await stage.operator('admin');
    await openTicket(page, desk, id);
    await page.locator('#conversation').focus();
    await page.keyboard.press('m');
    await page.locator('.pop input:focus').waitFor();
    await page.keyboard.type('Ждём');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Асем Ким, чтобы продолжить').waitFor();
    await stage.shot(page, 'macro-preview');
    await page.getByTestId('macro-apply').click();
    await messageWith(page, 'Асем Ким, чтобы продолжить').waitFor();
    await ticketBecomes(api, id, 'on hold', (ticket) => ticket.status === 'on_hold');

    await page.getByTestId('composer').fill('/Передать');
    await page.getByRole('option', { name: /Передать на вторую линию/ }).click();
    await dialog.getByRole('button', { name: 'Вставить текст' }).click();
    await until('the text is in the note', async () => (await page.getByTestId('composer').inputValue()).startsWith('Передаю на вторую линию'));
    assert.equal(await page.getByTestId('note-toggle').getAttribute('aria-pressed'), 'true');
  },

  async 'the bell counts what concerns an operator, leads to it, and is silent when told to be'({ stage, desk, api }) {
    const me = (await api.admin('list_operators', {})).find((x) => x.email.startsWith('aliya@'));
    const page = await stage.operator('supervisor');
    await page.goto(`${desk.origin}/tenant.html#/queue/active`);
    const bell = page.getByTestId('bell');
    await bell.waitFor();
    const count = async () => Number(/\d+/.exec(await bell.getAttribute('aria-label'))?.[0] ?? 0);
    await bell.click();
    await page.getByRole('dialog').getByRole('heading', { name: 'Уведомления' }).waitFor();
    if (await page.getByRole('button', { name: 'Отметить всё прочитанным' }).count()) await page.getByRole('button', { name: 'Отметить всё прочитанным' }).click();
    await until('nothing is unread', async () => (await count()) === 0);
    await page.keyboard.press('Escape');
    const { id } = await api.admin('create_ticket', { subject: 'Для колокольчика', description: 'Назначим.', assigned_to: me.id });
    await until('the bell rings', async () => (await count()) === 1);
    await bell.click();
    await stage.shot(page, 'bell');
    await page.getByRole('button', { name: /Для колокольчика/ }).click();
    await page.waitForURL(new RegExp(`#/t/${id}`));
    await until('it counts as read', async () => (await count()) === 0);

    await page.goto(`${desk.origin}/tenant.html#/settings/notifications`);
    await page.getByLabel('Заявка назначена мне: Здесь').uncheck();
    await toast(page, 'Сохранено').waitFor();
    await api.admin('create_ticket', { subject: 'Тихо', description: 'Назначим.', assigned_to: me.id });
    await page.reload();
    await bell.waitFor();
    assert.equal(await count(), 0);
    await page.getByLabel('Заявка назначена мне: Здесь').check();
  },

  async 'a webhook shows its secret once and its log tells what was sent'({ stage, desk }) {
    const page = await stage.operator('admin');
    await page.goto(`${desk.origin}/tenant.html#/settings/webhooks`);
    await page.getByText('https://hooks.example.org/desk').first().waitFor();
    await page.getByRole('button', { name: 'Новый вебхук' }).click();
    const dialog = page.getByRole('dialog');
    stage.allow(/create_webhook$/);
    await dialog.getByLabel('Адрес').fill('http://127.0.0.1:9/');
    await dialog.getByRole('button', { name: 'Сохранить' }).click();
    await dialog.getByText(/private network/).waitFor();
    await stage.shot(page, 'webhook-form');
    await dialog.getByLabel('Адрес').fill('https://hooks.example.org/second');
    await dialog.getByRole('button', { name: 'Сохранить' }).click();
    await dialog.getByText('Сохраните секрет').waitFor();
    assert.match(await dialog.getByLabel('Секрет подписи').inputValue(), /^whsec_/);
    await dialog.getByRole('button', { name: 'Закрыть' }).last().click();
    await page.getByRole('heading', { name: 'https://hooks.example.org/second' }).waitFor();
    await page.locator('summary').filter({ hasText: 'ticket.created' }).first().click();
    await page.getByText('Тело запроса').first().waitFor();
    await stage.shot(page, 'webhooks');
    await page.getByRole('button', { name: /Действия с вебхуком .*second/ }).click();
    await page.getByRole('menuitem', { name: 'Удалить' }).click();
    await dialog.getByRole('button', { name: 'Удалить' }).click();
    await page.getByRole('heading', { name: 'https://hooks.example.org/second' }).waitFor({ state: 'detached' });
  },
};
