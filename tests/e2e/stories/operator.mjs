/** An operator's day: signing in, and what is done to a ticket, each time seen on the page and on the server. */
import assert from 'node:assert/strict';
import { openTicket, pick, rowOf, ticketBecomes, toast } from '../parts/steps.mjs';
import { emailOf, password } from '../parts/world.mjs';

export default {
  async 'a wrong password is told, the right one opens the queue, and leaving shuts the door'({ stage, desk }) {
    const page = await stage.window();
    await page.goto(`${desk.origin}/tenant.html`);
    await page.getByTestId('login-submit').click();
    await page.locator('[data-testid=login][aria-invalid=true]').waitFor();
    await page.getByTestId('login').fill(emailOf('erlan'));
    await page.getByTestId('password').fill('not the password');
    stage.allow(/admin_login$/);
    stage.allow(/list_tickets$|ticket_counts$/); // what was under way when the door was shut
    await page.getByTestId('login-submit').click();
    assert.match(await page.getByRole('alert').textContent(), /парол/i);
    assert.equal(await page.getByTestId('password').inputValue(), '');
    assert.equal(await page.getByTestId('login').inputValue(), emailOf('erlan'), 'the login need not be typed again');
    await page.getByTestId('password').fill(password);
    await page.keyboard.press('Enter');
    await page.getByTestId('ticket-row').first().waitFor();
    await page.getByText('Ерлан Сәрсенов', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Учётная запись' }).click();
    await page.getByRole('menuitem', { name: 'Выйти' }).click();
    await page.getByTestId('login').waitFor();
    await page.goto(`${desk.origin}/tenant.html#/t/42`);
    await page.reload();
    await page.getByTestId('login').waitFor();
    assert.equal(await page.locator('#conversation').count(), 0);
  },

  async 'a ticket is taken, given back, assigned, put on hold, made urgent and tagged'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Настроить права в новой папке');
    const becomes = (what, right) => ticketBecomes(api, id, what, right);
    const page = await stage.operator('aigerim');
    await openTicket(page, desk, id);

    await page.getByRole('button', { name: 'Взять', exact: true }).click();
    await becomes('taken', (x) => x.assigned_name === 'Айгерим Бекова');
    await page.getByRole('button', { name: 'Взять', exact: true }).waitFor({ state: 'detached' });
    await toast(page, 'Айгерим Бекова').getByRole('button', { name: 'Отменить' }).click();
    await becomes('nobody’s again', (x) => x.assigned_to === null);

    await pick(page, 'a', 'Марина');
    await becomes('Marina’s', (x) => x.assigned_name === 'Марина Ким');
    await page.getByRole('button', { name: 'Марина Ким' }).first().waitFor();

    await pick(page, 'p', 'Срочный');
    await becomes('urgent', (x) => x.priority === 'urgent');

    await pick(page, 's', 'В работе');
    await becomes('in progress', (x) => x.status === 'in_progress');
    await page.getByTestId('status').click();
    await page.getByRole('option', { name: 'На паузе' }).click();
    await becomes('on hold', (x) => x.status === 'on_hold');
    assert.equal(await page.getByTestId('status').getAttribute('data-value'), 'on_hold');
    await page.locator('#conversation').focus();
    await page.keyboard.press('Control+z');
    await becomes('in progress again', (x) => x.status === 'in_progress');

    await pick(page, 't', 'сервер');
    await becomes('tagged', (x) => x.tags.some((tag) => tag.name === 'сервер'));
    await page.keyboard.press('Control+a');
    await page.keyboard.type('права доступа');
    await page.getByRole('option', { name: 'Создать метку «права доступа»' }).waitFor();
    await page.keyboard.press('Enter');
    await becomes('tagged twice', (x) => x.tags.length === 2);
    await page.keyboard.press('Escape');
    assert.ok((await api.admin('list_tags')).some((tag) => tag.name === 'права доступа'));
    await stage.shot(page, 'operator-ticket');

    await page.getByRole('button', { name: 'История изменений' }).click();
    for (const change of ['Марина Ким', 'Срочный', 'На паузе']) await page.locator('#conversation').getByText(change).first().waitFor();
  },

  async 'a ticket is completed with its result, and the undo opens it again'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Заменить картридж');
    const page = await stage.operator('aigerim');
    await openTicket(page, desk, id);
    await page.locator('#conversation').focus();
    await page.keyboard.press('e');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Завершить' }).click();
    await dialog.locator('textarea[aria-invalid=true]').waitFor();
    await dialog.getByLabel('Результат').fill('Картридж заменён, пробная страница напечатана.');
    await dialog.getByLabel('Затрачено часов').fill('0.5');
    await dialog.getByRole('button', { name: 'Завершить' }).click();
    const done = await ticketBecomes(api, id, 'done', (x) => x.status === 'done');
    assert.deepEqual([done.result, done.hours_spent], ['Картридж заменён, пробная страница напечатана.', 0.5]);
    await stage.shot(page, 'operator-done');
    await toast(page, 'Решена').getByRole('button', { name: 'Отменить' }).click();
    await ticketBecomes(api, id, 'open again', (x) => x.status === 'reopened');
    await page.getByTestId('status').filter({ hasText: 'Открыта снова' }).waitFor();
  },

  async 'a change the server refuses is taken back on the page and said why'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Проверить журнал');
    const page = await stage.operator('aigerim');
    await openTicket(page, desk, id);
    stage.allow(/update_ticket/);
    await page.route('**/api/admin.php/update_ticket', (route) => route.fulfill({ status: 400, contentType: 'application/json', body: JSON.stringify({ ok: false, error: 'Так нельзя.', code: 'invalid' }) }));
    await pick(page, 'p', 'Низкий');
    await toast(page, 'Так нельзя.').waitFor();
    await page.getByRole('button', { name: 'Обычный' }).first().waitFor();
    assert.equal((await api.ticket(id)).priority, 'normal');
  },

  async 'a new ticket is made from the dialog, opens at once, and its answer goes to the address that was typed'({ world, stage, desk, api }) {
    const page = await stage.operator('aigerim');
    await page.goto(`${desk.origin}/tenant.html#/queue/active`);
    await page.getByTestId('ticket-row').first().waitFor();
    await page.locator('#main').focus();
    await page.keyboard.press('c');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Тема').fill('Заявка по телефону');
    await dialog.getByLabel('Описание').fill('Позвонила Ольга: не открывается отчёт.');
    await dialog.getByLabel('Почта').fill('olga@phone.test');
    await dialog.getByRole('button', { name: 'Создать заявку' }).click();
    await page.getByTestId('message').filter({ hasText: 'Позвонила Ольга' }).waitFor();
    const id = Number(/#\/t\/(\d+)/.exec(page.url())[1]);
    const ticket = await api.ticket(id);
    assert.deepEqual([ticket.subject, ticket.creator_email], ['Заявка по телефону', 'olga@phone.test']);
    await rowOf(page, id).waitFor({ state: 'attached' });
    await page.getByTestId('composer').fill('Ольга, отчёт снова открывается.');
    await page.getByTestId('send').click();
    const sent = await world.sink.take('the answer', (x) => x.to.includes('olga@phone.test'));
    assert.match(sent.text, /отчёт снова открывается/);
  },
};
