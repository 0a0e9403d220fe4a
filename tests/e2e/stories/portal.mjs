/** The client's side: what a link opens, and everything a client does there. */
import assert from 'node:assert/strict';
import { ticketBecomes } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';

const enter = async (page, { origin, clientToken }) => {
  await page.goto(`${origin}/index.html?ctoken=${clientToken}`);
  await page.getByTestId('portal-ticket').first().waitFor();
};
const talk = (page) => page.getByRole('log');
const state = (page, words) => page.locator('main').getByText(words, { exact: true }).first();

export default {
  async 'the link opens the client’s own tickets and its token leaves the address at once'({ stage, desk, world }) {
    const page = await stage.window();
    const asked = [];
    page.on('request', (request) => asked.push(request.url()));
    await enter(page, desk);
    assert.ok(!page.url().includes('ct_'), page.url());
    assert.deepEqual(asked.slice(1).filter((url) => url.includes(desk.clientToken)), [], 'no request after the first bears it in its address');
    assert.ok(!(await page.evaluate(() => JSON.stringify([history.state, document.referrer, performance.getEntriesByType('resource').map((x) => x.name)]))).includes('ct_'));
    const mine = await world.portal.client('list_tickets', { status: 'active', limit: 100 });
    const shown = await page.getByTestId('portal-ticket').evaluateAll((rows) => rows.map((row) => Number(row.dataset.ticketId)));
    assert.deepEqual(shown, mine.tickets.slice(0, shown.length).map((x) => x.id));
    await stage.shot(page, 'portal-list');
    await page.reload();
    await page.getByTestId('portal-ticket').first().waitFor();
    await page.getByRole('button', { name: 'Выйти' }).click();
    await page.getByText('У меня есть ссылка').click();
    await page.getByLabel('Ссылка на портал').fill('просто слова');
    await page.getByRole('button', { name: 'Войти' }).click();
    await page.getByText('В этом тексте нет ссылки на портал').waitFor();
    await page.getByLabel('Ссылка на портал').fill(`${desk.origin}/index.html?ctoken=${desk.clientToken}`);
    await page.getByRole('button', { name: 'Войти' }).click();
    await page.getByTestId('portal-ticket').first().waitFor();
  },

  async 'somebody of a client asks for a link by e-mail, enters by it and sees what they have written'({ stage, desk, api, world }) {
    const email = 'aruzhan@client.test';
    await api.admin('create_ticket', { subject: 'Пропуск для курьера', description: 'Нужен на завтра', portal_domain: 'client.bitrix24.kz', contact_name: 'Аружан', contact_email: email });
    const page = await stage.window();
    await page.goto(`${desk.origin}/index.html`);
    await page.getByTestId('link-submit').click();
    await page.getByText('Заполните это поле').waitFor();
    await page.getByTestId('link-email').fill(email);
    await stage.shot(page, 'portal-ask');
    await page.getByTestId('link-submit').click();
    await page.getByRole('status').filter({ hasText: email }).waitFor();
    await stage.shot(page, 'portal-asked');
    const mail = await world.sink.take('the link', (x) => x.to.includes(email) && x.text.includes('ctoken='));
    assert.ok(!mail.text.includes('Пропуск'), 'the mail says nothing of their tickets');
    const link = /https?:\S+ctoken=\S+/.exec(mail.text)[0];
    await page.goto(`${desk.origin}/index.html${new URL(link).search}`);
    await page.getByTestId('portal-ticket').filter({ hasText: 'Пропуск для курьера' }).waitFor();
    assert.equal(await page.getByTestId('portal-ticket').count(), 1, 'and of nobody else');
  },

  async 'another client’s ticket, an absent one and a forged token show nothing'({ stage, desk, api }) {
    const foreign = (await api.admin('list_tickets', { portal_domain: 'other.bitrix24.kz' })).tickets[0];
    const page = await stage.window();
    await enter(page, desk);
    stage.allow(/client\.php/);
    stage.allow(/api\/live/);
    const answers = [];
    for (const id of [foreign.id, 999_999]) {
      await page.goto(`${desk.origin}/index.html#/ticket/${id}`);
      const title = page.locator('main h1');
      await until('the refusal', async () => /Такой заявки нет/.test(await title.textContent()));
      answers.push((await page.locator('main').textContent()).replaceAll(String(id), 'N'));
      assert.ok(!(await page.content()).includes(foreign.subject));
    }
    assert.equal(answers[0], answers[1], 'the two cannot be told apart');
    const stranger = await stage.window();
    await stranger.goto(`${desk.origin}/index.html?ctoken=${desk.clientToken.slice(0, -4)}AAAA`);
    await stranger.getByRole('heading', { name: 'Вход на портал' }).waitFor();
    assert.ok(!stranger.url().includes('ct_'));
  },

  async 'a client files a ticket with a file, replies, and sees the desk’s answer arrive'({ stage, desk, api, world }) {
    const page = await stage.window();
    await enter(page, desk);
    await page.getByTestId('new-ticket').click();
    await page.getByTestId('submit').click();
    assert.equal(await page.getByTestId('subject').getAttribute('aria-invalid'), 'true');
    await page.getByTestId('subject').fill('Не открывается касса');
    await page.getByTestId('description').fill('После обновления <b>касса</b> не запускается.\nОшибка 0x80070005.');
    await page.locator('input[type=file]').setInputFiles({ name: 'ошибка.txt', mimeType: 'text/plain', buffer: Buffer.from('0x80070005') });
    await page.reload();
    assert.equal(await page.getByTestId('subject').inputValue(), 'Не открывается касса', 'what was typed survives a reload');
    await page.locator('input[type=file]').setInputFiles({ name: 'ошибка.txt', mimeType: 'text/plain', buffer: Buffer.from('0x80070005') });
    await page.getByTestId('submit').click();
    await talk(page).getByText('После обновления <b>касса</b> не запускается.').waitFor();
    const id = Number(/#\/ticket\/(\d+)/.exec(page.url())[1]);
    const [download] = await Promise.all([page.waitForEvent('download'), talk(page).getByRole('link', { name: 'ошибка.txt' }).click()]);
    assert.equal(download.suggestedFilename(), 'ошибка.txt');
    const ticket = await api.ticket(id);
    assert.deepEqual([ticket.status, ticket.channel, ticket.portal_domain], ['new', 'portal', 'client.bitrix24.kz']);

    await page.getByTestId('reply').fill('Касса нужна до вечера.');
    await page.getByTestId('reply').press('Control+Enter');
    await talk(page).getByText('Касса нужна до вечера.').waitFor();
    const marina = await world.as('marina');
    await marina.admin('add_message', { ticket_id: id, message: 'Внутри: проверить права на папку', is_note: true });
    await marina.admin('add_message', { ticket_id: id, message: 'Подключаемся удалённо, не закрывайте кассу.' });
    await talk(page).getByText('Подключаемся удалённо').waitFor();
    await state(page, 'В работе').waitFor();
    assert.ok(!(await page.content()).includes('Внутри: проверить'), 'notes never reach the client');
    await stage.shot(page, 'portal-ticket');
    assert.equal((await api.messages(id)).length, 4);
  },

  async 'an estimate is approved with its amount repeated, the work accepted, reopened and refused'({ stage, desk, api, world }) {
    const made = await world.portal.client('create_ticket', { subject: 'Доработать отчёт', description: 'Нужен столбец с НДС.' });
    const page = await stage.window();
    await enter(page, desk);
    await page.goto(`${desk.origin}/index.html#/ticket/${made.id}`);
    await talk(page).getByText('Нужен столбец с НДС.').waitFor();
    await api.admin('set_estimate', { ticket_id: made.id, hours: 4.5, cost: 54_000, description: 'Столбец, проверка, обучение' });
    await page.getByTestId('approve-estimate').waitFor();
    await stage.shot(page, 'portal-estimate');
    await page.getByTestId('approve-estimate').click();
    const dialog = page.locator('dialog[open]');
    assert.match((await dialog.textContent()).replace(/\s/g, ' '), /4,5 ч.*54 000 ₸/, 'what is agreed to stands in the dialog');
    await dialog.getByRole('button', { name: 'Отмена' }).click();
    assert.equal((await api.ticket(made.id)).status, 'estimated', 'leaving the dialog agrees to nothing');
    await page.getByTestId('approve-estimate').click();
    await page.getByTestId('approve-confirm').click();
    await ticketBecomes(api, made.id, 'in progress', (x) => x.status === 'in_progress' && x.estimate.status === 'approved');
    await state(page, 'В работе').waitFor();

    const aigerim = await world.as('aigerim');
    await aigerim.admin('complete_ticket', { ticket_id: made.id, result: 'Столбец добавлен.' });
    await page.getByText('Столбец добавлен.').first().waitFor();
    await page.getByTestId('reopen').click();
    await page.locator('dialog[open] textarea').fill('Не тот НДС.');
    await page.getByTestId('reopen-confirm').click();
    await ticketBecomes(api, made.id, 'reopened', (x) => x.status === 'reopened');
    await state(page, 'Снова в работе').waitFor();
    await aigerim.admin('complete_ticket', { ticket_id: made.id, result: 'Теперь верный НДС.' });
    await page.getByTestId('accept').click();
    await ticketBecomes(api, made.id, 'closed', (x) => x.status === 'closed');
    await state(page, 'Закрыта').waitFor();

    const other = await world.portal.client('create_ticket', { subject: 'Слишком дорого', description: 'Сколько стоит переезд?' });
    await api.admin('set_estimate', { ticket_id: other.id, hours: 40, description: 'Переезд' });
    await page.goto(`${desk.origin}/index.html#/ticket/${other.id}`);
    await page.getByTestId('reject-estimate').click();
    await page.getByTestId('reject-confirm').click();
    await page.locator('dialog[open] textarea[aria-invalid=true]').waitFor();
    await page.locator('dialog[open] textarea').fill('Не в этом году.');
    await page.getByTestId('reject-confirm').click();
    const { estimate } = await ticketBecomes(api, other.id, 'refused', (x) => x.estimate.status === 'rejected');
    assert.equal(estimate.reason, 'Не в этом году.');
  },
};
