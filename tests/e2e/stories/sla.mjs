/** Working hours, promises, tariffs, estimates, time and ratings: set up by the admin, lived with by operators and clients. */
import assert from 'node:assert/strict';
import { openTicket, ticketBecomes, toast } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';

const settings = async (page, desk, name, title) => {
  await page.goto(`${desk.origin}/tenant.html#/settings/${name}`);
  await page.getByRole('heading', { name: title, level: 1 }).waitFor();
};

export default {
  async 'the admin gives the week a lunch break and a country its holidays, and every due time follows'({ stage, desk, api, world }) {
    const before = await api.admin('get_business_hours');
    const page = await stage.operator('admin');
    await settings(page, desk, 'hours', 'Рабочее время');
    const monday = page.getByRole('group', { name: 'Понедельник' });
    await monday.waitFor();
    await monday.getByLabel('Понедельник: конец').fill('08:00');
    await monday.getByRole('alert').waitFor();
    await monday.getByLabel('Понедельник: конец').fill('13:00');
    await monday.getByRole('alert').waitFor({ state: 'detached' });
    await monday.getByRole('button', { name: 'Понедельник: добавить промежуток' }).click();
    await page.getByRole('button', { name: 'Понедельник на все будни' }).click();
    await page.getByLabel('Страна').selectOption('ru');
    await page.getByRole('button', { name: 'Добавить праздники' }).click();
    await toast(page, /Добавлено \d+ дн/).waitFor();
    await stage.shot(page, 'hours-edited');
    await page.getByRole('button', { name: 'Сохранить' }).click();
    await toast(page, 'Сохранено, сроки пересчитаны').waitFor();
    const after = await api.admin('get_business_hours');
    assert.deepEqual(after.days[4], [{ from: '09:00', to: '13:00' }, { from: '14:00', to: '18:00' }]);
    assert.ok(after.holidays.length > before.holidays.length);

    await settings(page, desk, 'sla', 'Правила SLA');
    const urgent = page.getByRole('row', { name: /Срочный/ }).getByRole('group', { name: 'Первый ответ, приоритет «Срочный»' });
    await urgent.getByLabel('мин').fill('45');
    await urgent.getByLabel('мин').blur();
    await page.getByRole('button', { name: 'Сохранить' }).click();
    await toast(page, 'Сохранено, сроки пересчитаны').last().waitFor();
    await until('the rule is kept', async () => (await api.admin('get_sla_rules')).urgent.response_minutes === 45);

    const admin = await world.as('admin');
    await admin.admin('save_business_hours', before);
    await admin.admin('save_sla_rules', { urgent: { response_minutes: 30, resolution_minutes: 240 } });
  },

  async 'a tariff with a promise of its own is made, given to a client and goes only with a replacement'({ stage, desk, api }) {
    const page = await stage.operator('admin');
    await settings(page, desk, 'tariffs', 'Тарифы');
    await page.getByRole('button', { name: 'Добавить', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Название').fill('Круглосуточный');
    await dialog.getByLabel('Код').fill('always');
    await dialog.getByLabel('Часов в месяц').fill('100');
    await dialog.getByLabel(/Ставка за час/).fill('20000');
    await dialog.getByLabel('Срочный').check();
    await stage.shot(page, 'tariff-form');
    await dialog.getByRole('button', { name: 'Сохранить' }).click();
    await page.getByText('Круглосуточный').waitFor();
    const made = (await api.admin('get_tariff_plans')).find((x) => x.code === 'always');
    assert.deepEqual([made.hours_per_month, made.hourly_rate, made.sla.urgent], [100, 20_000, { response_minutes: 30, resolution_minutes: 240 }]);

    await api.admin('create_client', { portal_domain: 'tariff.test', company_name: 'ТОО «Тариф»', tariff_plan: 'always' });
    await page.goto(`${desk.origin}/tenant.html#/clients/tariff.test`);
    await page.getByLabel('Тариф').waitFor();
    assert.equal(await page.getByLabel('Тариф').inputValue(), 'always');
    await settings(page, desk, 'tariffs', 'Тарифы');
    await page.getByRole('button', { name: 'Удалить тариф «Круглосуточный»' }).click();
    await dialog.getByText('Он стоит у 1 клиента').waitFor();
    await dialog.getByLabel('Перевести клиентов на').selectOption({ label: 'Стандарт' });
    await dialog.getByRole('button', { name: 'Удалить' }).click();
    await page.getByRole('listitem').filter({ hasText: 'Круглосуточный' }).waitFor({ state: 'detached' });
    const client = (await api.admin('list_clients', { search: 'tariff.test' }))[0];
    assert.equal(client.tariff_plan, 'standard');
  },

  async 'an operator books time, sees the client’s balance move, and why the ticket is due when it is'({ stage, desk, api, world }) {
    const made = await world.ticket('Время и сроки', { priority: 'urgent' });
    const page = await stage.operator('aigerim');
    await openTicket(page, desk, made.id);
    await page.getByTestId('log-time').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: '1 ч 00 мин' }).click();
    await dialog.getByRole('button', { name: 'Записать' }).click();
    await dialog.locator('textarea[aria-invalid=true]').waitFor();
    await dialog.getByLabel('Что сделано').fill('Разобрали журнал обмена');
    await stage.shot(page, 'time-dialog');
    await dialog.getByRole('button', { name: 'Записать' }).click();
    const details = page.getByRole('complementary', { name: 'Подробности' });
    await details.getByText('Разобрали журнал обмена').waitFor();
    await ticketBecomes(api, made.id, 'an hour', (x) => x.hours_spent === 1);
    await stage.shot(page, 'time-logged');
    await details.getByRole('button', { name: /Удалить запись/ }).click();
    await ticketBecomes(api, made.id, 'no time', (x) => x.hours_spent === 0);

    await page.goto(`${desk.origin}/tenant.html#/t/42`);
    await details.getByRole('button', { name: 'Как посчитан срок SLA' }).click();
    await dialog.getByRole('heading', { name: 'Первый ответ' }).waitFor();
    await dialog.getByText('рабочее время', { exact: true }).first().waitFor();
    await dialog.getByText('пауза', { exact: true }).first().waitFor();
    await stage.shot(page, 'explain');
    const { totals, intervals } = await api.admin('explain_sla', { ticket_id: 42 });
    assert.equal(await dialog.locator('ol li').count(), intervals.length);
    assert.ok(totals.working_time > 0 && totals.on_hold > 0);
  },

  async 'the client rates the work by keys alone, changes the rating, and the operator reads it'({ stage, desk, api, world }) {
    const made = await world.portal.client('create_ticket', { subject: 'Оценить работу', description: 'Настройте, пожалуйста, печать.' });
    const aigerim = await world.as('aigerim');
    await aigerim.admin('complete_ticket', { ticket_id: made.id, result: 'Печать настроена.' });
    const page = await stage.window({ size: 'phone' });
    await page.goto(`${desk.origin}/index.html?ctoken=${desk.clientToken}`);
    await page.getByTestId('portal-ticket').first().waitFor();
    await page.goto(`${desk.origin}/index.html#/ticket/${made.id}`);
    await page.getByTestId('csat-submit').click();
    await page.getByText('Выберите оценку от 1 до 5').waitFor();
    await stage.shot(page, 'csat-empty');
    await page.getByRole('radio', { name: 'Хорошо' }).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowRight');
    assert.ok(await page.getByRole('radio', { name: 'Отлично' }).isChecked());
    await page.getByLabel(/Что понравилось/).fill('Быстро и вежливо');
    await stage.shot(page, 'csat-filled');
    await page.getByTestId('csat-submit').click();
    await page.getByText('Ваша оценка').waitFor();
    assert.equal((await ticketBecomes(api, made.id, 'rated', (x) => x.csat)).csat.rating, 5);
    await page.getByTestId('csat-change').click();
    await page.getByTestId('csat-4').click();
    await page.getByTestId('csat-submit').click();
    await until('the other rating', async () => (await api.ticket(made.id)).csat.rating === 4);
    await page.getByTestId('accept').click();
    await ticketBecomes(api, made.id, 'closed', (x) => x.status === 'closed');
    await page.getByText('Ваша оценка').waitFor();

    const operator = await stage.operator('aigerim');
    await openTicket(operator, desk, made.id);
    const details = operator.getByRole('complementary', { name: 'Подробности' });
    await details.getByRole('img', { name: '4 из 5' }).waitFor();
    await details.getByText('Быстро и вежливо').waitFor();
    await stage.shot(operator, 'csat-desk');
  },

  async 'an estimate that was revised while the client looked at it is shown anew, and what is agreed to bears its proof'({ stage, desk, api, world }) {
    const made = await world.portal.client('create_ticket', { subject: 'Смета с версиями', description: 'Сколько стоит обмен?' });
    await api.admin('set_estimate', { ticket_id: made.id, hours: 2, description: 'Обмен с сайтом' });
    const page = await stage.window();
    await page.goto(`${desk.origin}/index.html?ctoken=${desk.clientToken}`);
    await page.getByTestId('portal-ticket').first().waitFor();
    await page.goto(`${desk.origin}/index.html#/ticket/${made.id}`);
    await page.getByTestId('approve-estimate').waitFor();
    await assert.rejects(world.portal.client('approve_estimate', { ticket_id: made.id, version: 7 }), (error) => error.code === 'estimate_changed');
    await api.admin('set_estimate', { ticket_id: made.id, hours: 3, description: 'Обмен с сайтом и складом' });
    await page.getByText('Обмен с сайтом и складом').waitFor();
    await page.getByTestId('approve-estimate').click();
    await page.getByTestId('approve-confirm').click();
    const agreed = await ticketBecomes(api, made.id, 'agreed', (x) => x.estimate.status === 'approved');
    assert.deepEqual([agreed.estimate.version, agreed.estimate.decided_via, agreed.earlier_estimates.length], [2, 'portal', 1]);

    const operator = await stage.operator('aigerim');
    await openTicket(operator, desk, made.id);
    await operator.getByText('Подтверждение').click();
    await operator.getByText(agreed.estimate.hash).waitFor();
    await stage.shot(operator, 'estimate-proof');
  },

  async 'a category is named in three languages and its tickets move when it goes'({ stage, desk, api, world }) {
    const page = await stage.operator('admin');
    await settings(page, desk, 'categories', 'Категории');
    await page.getByRole('button', { name: 'Добавить', exact: true }).click();
    const dialog = page.getByRole('dialog');
    for (const [language, name] of [['Русский', 'Печать'], ['Қазақша', 'Басып шығару'], ['English', 'Printing']]) await dialog.getByLabel(`Название: ${language}`).fill(name);
    await dialog.getByLabel('Код').fill('printing');
    await dialog.getByRole('button', { name: 'Сохранить' }).click();
    await page.getByText('printing').waitFor();
    const ticket = await world.ticket('Печать', { category: 'printing' });
    await page.getByRole('button', { name: '«Печать» выше' }).click();
    await until('its place', async () => (await api.admin('list_categories')).at(-2).code === 'printing');
    await stage.shot(page, 'categories');
    await page.getByRole('button', { name: 'Удалить категорию «Печать»' }).click();
    await dialog.getByRole('button', { name: 'Удалить' }).click();
    await page.getByText('printing').waitFor({ state: 'detached' });
    assert.equal((await api.ticket(ticket.id)).category, 'other');
  },
};
