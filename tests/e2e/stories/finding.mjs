/** Finding one's way: search, filters, keys on any layout, the palette, the help. */
import assert from 'node:assert/strict';
import { command, newestFirst, openQueue, openTicket, rowOf, russianKey } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';

const subjects = (page) => page.locator('[data-testid=ticket-row] .subject').allTextContents();
const currentId = (page) => Number(/#\/t\/(\d+)/.exec(page.url())?.[1] ?? 0);

export default {
  async 'search finds Cyrillic word beginnings in any case, takes ё for е, and opens a number'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Осциллограф не включается', { description: 'Прибор ещё на гарантии.' });
    const page = await stage.operator('aigerim');
    await openQueue(page, desk, 'all');
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
    await page.keyboard.type('ОСЦИЛ');
    await until('one row', async () => (await subjects(page)).join() === 'Осциллограф не включается');
    await page.getByTestId('search').fill('осциллограф еще на гарант');
    await until('the same row by other words', async () => (await subjects(page)).join() === 'Осциллограф не включается');
    await page.getByTestId('search').fill('принт');
    const { total } = await api.admin('list_tickets', { search: 'принт', status: 'all' });
    assert.ok(total > 3);
    await page.getByRole('status').filter({ hasText: new RegExp(`^${total} заяв`) }).waitFor({ state: 'attached' });
    await page.getByTestId('search').fill('такого слова нет');
    await page.getByText('По этим условиям ничего не нашлось').waitFor();
    await stage.shot(page, 'finding-nothing');
    await page.getByTestId('search').fill(`#${id}`);
    await page.getByTestId('search').press('Enter');
    await until('the ticket is open', () => currentId(page) === id);
    await page.getByTestId('message').filter({ hasText: 'Прибор ещё на гарантии.' }).waitFor();
  },

  async 'filters narrow the list to what the server counts, and are cleared together'({ stage, desk, api }) {
    const page = await stage.operator('aigerim');
    await openQueue(page, desk);
    const shown = (n) => page.getByRole('status').filter({ hasText: new RegExp(`^${n} заяв`) }).waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Фильтры' }).click();
    await page.getByLabel('Приоритет', { exact: true }).selectOption('urgent');
    const urgent = await api.admin('list_tickets', { status: 'active', priority: 'urgent' });
    assert.ok(urgent.total > 0);
    await shown(urgent.total);
    await page.getByLabel('Канал', { exact: true }).selectOption('email');
    const both = await api.admin('list_tickets', { status: 'active', priority: 'urgent', channel: 'email' });
    assert.ok(both.total < urgent.total);
    await shown(both.total);
    await stage.shot(page, 'finding-filters');
    await page.getByRole('button', { name: 'Сбросить фильтры' }).first().click();
    await shown((await api.admin('list_tickets', { status: 'active' })).total);
    await page.getByRole('link', { name: /^На паузе/ }).click();
    await shown((await api.admin('list_tickets', { status: 'on_hold' })).total);
    await page.getByRole('heading', { name: 'На паузе' }).waitFor();
  },

  async 'J and K step through the queue on a Russian layout too'({ stage, desk }) {
    const page = await stage.operator('aigerim');
    await openQueue(page, desk);
    await newestFirst(page);
    await page.locator('#main').focus();
    const order = await page.getByTestId('ticket-row').evaluateAll((rows) => rows.map((row) => Number(row.dataset.ticketId)));
    const at = (id) => until(`ticket ${id} is open`, () => currentId(page) === id);
    await russianKey(page, 'KeyJ', 'о');
    await until('some ticket is open', () => currentId(page));
    const start = order.indexOf(currentId(page));
    await page.getByTestId('message').first().waitFor();
    await russianKey(page, 'KeyJ', 'о');
    await at(order[start + 1]);
    await russianKey(page, 'KeyJ', 'о');
    await at(order[start + 2]);
    await russianKey(page, 'KeyK', 'л');
    await at(order[start + 1]);
    assert.equal(await rowOf(page, order[start + 1]).getAttribute('aria-current'), 'true');
  },

  async 'a fast walk through the queue ends at the ticket whose row is marked'({ stage, desk }) {
    const page = await stage.operator('aigerim');
    await openQueue(page, desk);
    await page.locator('#main').focus();
    for (let i = 0; i < 8; i += 1) await page.keyboard.press('j');
    await page.keyboard.press('k');
    const id = await until('the address of the row that is marked', async () => { const marked = await page.locator('[data-testid=ticket-row][aria-current]').getAttribute('data-ticket-id'); return marked === String(await currentId(page)) && marked; });
    await page.getByRole('region', { name: `Заявка #${id}` }).waitFor();
    await page.getByTestId('message').first().waitFor();
    assert.equal(await page.locator('[data-testid=ticket-row][aria-current]').getAttribute('data-ticket-id'), String(id));
  },

  async 'the palette runs commands, finds tickets and gives the focus back'({ stage, desk }) {
    const page = await stage.operator('aigerim');
    await openQueue(page, desk);
    await page.getByTestId('search').focus();
    await page.keyboard.press('Control+k');
    await page.locator('[role=dialog] input:focus').waitFor();
    await stage.shot(page, 'finding-palette');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
    await command(page, '42', 'Открыть заявку #42');
    await page.getByRole('region', { name: 'Заявка #42' }).waitFor();
    await command(page, 'тёмн', 'Тема: Тёмная');
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
    await command(page, 'Қазақша', 'Язык: Қазақша');
    await page.waitForFunction(() => document.documentElement.lang === 'kk');
    await page.reload();
    await page.getByTestId('message').first().waitFor();
    assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset.theme]), ['kk', 'dark'], 'the choice is kept');
  },

  async 'the palette finds a setting, an article, a client and a macro by their words'({ world, stage, desk }) {
    const { id } = await world.ticket('Всё из одной строки');
    const page = await stage.operator('admin');
    await openTicket(page, desk, id);
    await command(page, 'ждём', 'Ждём');
    await page.getByTestId('macro-apply').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await command(page, 'не печатает чек', 'Касса не печатает чек');
    await page.getByRole('heading', { name: 'Касса не печатает чек', level: 1 }).waitFor();
    await command(page, 'рога', 'client.bitrix24.kz');
    await page.getByRole('heading', { name: /Рога и Копыта/, level: 1 }).waitFor();
    await command(page, 'рабочее вр', 'Рабочее время');
    await page.getByRole('group', { name: 'Понедельник' }).waitFor();

    const erlan = await stage.operator('erlan');
    await openQueue(erlan, desk);
    await erlan.keyboard.press('Control+k');
    await erlan.locator('[role=dialog] input:focus').waitFor();
    await erlan.keyboard.type('быстрые отв');
    await erlan.getByRole('option', { name: /Быстрые ответы/ }).waitFor();
    await erlan.getByRole('combobox').fill('автоматизация');
    await erlan.getByText('Ничего не найдено').waitFor();
  },

  async 'the help lists the keys, and keys go where they say'({ stage, desk }) {
    const page = await stage.operator('aigerim');
    await openQueue(page, desk);
    await page.locator('#main').focus();
    await page.keyboard.press('Shift+Slash');
    const help = page.getByRole('dialog', { name: 'Горячие клавиши' });
    for (const line of ['Следующая заявка', 'Ответить клиенту', 'Все команды']) await help.getByText(line).waitFor();
    await stage.shot(page, 'finding-help');
    await page.keyboard.press('Escape');
    await help.waitFor({ state: 'detached' });
    for (const [letter, heading] of [['c', 'Клиенты'], ['a', 'Сводка'], ['s', 'Профиль']]) {
      await page.keyboard.press('g');
      await page.keyboard.press(letter);
      await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
    }
    await page.keyboard.press('g');
    await page.keyboard.press('q');
    await page.getByTestId('ticket-row').first().waitFor();
  },
};
