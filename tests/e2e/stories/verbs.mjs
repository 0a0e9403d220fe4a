/** What operators do beyond answering: many tickets at once, merging and splitting, putting aside, the bin, answers that wait. */
import assert from 'node:assert/strict';
import { composer, messageWith, newestFirst, openQueue, openTicket, pick, rowOf, ticketBecomes, toast } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';

export default {
  async 'several tickets are chosen by keys and changed at once, with the way back'({ world, stage, desk, api }) {
    const made = [await world.ticket('Первая из трёх'), await world.ticket('Вторая из трёх'), await world.ticket('Третья из трёх')];
    const page = await stage.operator('supervisor');
    await openQueue(page, desk);
    await newestFirst(page);
    await rowOf(page, made[2].id).click();
    await page.locator('#conversation').waitFor();
    await page.locator('#conversation').focus();
    await page.keyboard.press('x');
    await page.getByTestId('bulk-bar').getByText('Выбрана 1 заявка').waitFor();
    await page.keyboard.press('Shift+J');
    await page.keyboard.press('Shift+J');
    const bar = page.getByTestId('bulk-bar');
    await bar.getByText('Выбрано 3 заявки').waitFor();
    await stage.shot(page, 'bulk');
    await bar.getByRole('button', { name: 'Приоритет' }).click();
    await page.getByRole('option', { name: 'Срочный' }).click();
    for (const { id } of made) await ticketBecomes(api, id, 'urgent', (x) => x.priority === 'urgent');
    await toast(page, 'Готово: 3 заявки').getByRole('button', { name: 'Отменить' }).click();
    for (const { id } of made) await ticketBecomes(api, id, 'as it was', (x) => x.priority === 'normal');
    await bar.waitFor({ state: 'detached' });
  },

  async 'several tickets get a category and tags at once, and the way back leaves each with its own'({ world, stage, desk, api }) {
    const made = [await world.ticket('Первая с меткой', { tags: ['касса'] }), await world.ticket('Вторая без меток')];
    const before = made[0].category;
    const page = await stage.operator('aigerim');
    await openQueue(page, desk);
    await newestFirst(page);
    const names = (ticket) => ticket.tags.map((x) => x.name).sort().join();
    const choose = async () => {
      await page.getByRole('button', { name: 'Выбрать несколько заявок' }).click();
      for (const { id } of made) await page.getByRole('checkbox', { name: `Выбрать заявку #${id}` }).check();
      return page.getByTestId('bulk-bar');
    };
    const undo = () => toast(page, 'Готово: 2 заявки').getByRole('button', { name: 'Отменить' }).last().click();

    await (await choose()).getByRole('button', { name: 'Категория' }).click();
    await page.getByRole('option').first().click();
    for (const { id } of made) await ticketBecomes(api, id, 'of another category', (x) => x.category !== before);
    await undo();
    for (const { id } of made) await ticketBecomes(api, id, 'of its own category', (x) => x.category === before);

    await (await choose()).getByRole('button', { name: 'Добавить метку' }).click();
    await page.getByRole('dialog', { name: 'Добавить метку' }).getByPlaceholder('Найти или создать метку').fill('касса');
    await page.getByRole('option', { name: 'касса', exact: true }).click();
    await ticketBecomes(api, made[1].id, 'tagged', (x) => names(x) === 'касса');
    await undo();
    await ticketBecomes(api, made[1].id, 'without a tag', (x) => names(x) === '');
    assert.equal(names(await api.ticket(made[0].id)), 'касса', 'what it had before stays');

    await (await choose()).getByRole('button', { name: 'Снять метку' }).click();
    await stage.shot(page, 'bulk-tags');
    await page.getByRole('option', { name: 'касса', exact: true }).click();
    await ticketBecomes(api, made[0].id, 'without its tag', (x) => names(x) === '');
    await undo();
    await ticketBecomes(api, made[0].id, 'tagged again', (x) => names(x) === 'касса');
    assert.equal(names(await api.ticket(made[1].id)), '');
  },

  async 'a ticket is merged after a look at the other, and a message becomes a ticket of its own'({ world, stage, desk, api }) {
    const [source, target] = [await world.ticket('Сканер молчит'), await world.ticket('Сканер не сканирует')];
    const second = await api.admin('add_message', { ticket_id: target.id, message: 'А теперь о другом: нужен новый монитор' });
    const page = await stage.operator('supervisor');
    await openTicket(page, desk, source.id);
    await page.getByRole('button', { name: 'Другие действия' }).click();
    await page.getByRole('menuitem', { name: 'Объединить с другой заявкой' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('searchbox').fill(`#${target.id}`);
    await dialog.getByRole('radio', { name: `#${target.id}` }).check();
    await dialog.getByText('нужен новый монитор').waitFor();
    await stage.shot(page, 'merge');
    await dialog.getByRole('button', { name: `Объединить в #${target.id}` }).click();
    await page.waitForURL(new RegExp(`#/t/${target.id}$`));
    await ticketBecomes(api, source.id, 'merged', (x) => x.merged_into === target.id && x.status === 'closed');
    assert.equal((await api.messages(target.id)).length, 3);
    await openTicketAlone(page, desk, source.id);
    await page.getByText('Заявка объединена, работа продолжается в').waitFor();
    await page.getByRole('link', { name: `#${target.id}` }).first().click();

    const message = page.locator(`[data-message-id="${second.id}"]`);
    await message.hover();
    await message.getByRole('button', { name: 'Действия с сообщением' }).click();
    await page.getByRole('menuitem', { name: 'Выделить в новую заявку' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Выделить в новую заявку' }).click();
    await page.waitForURL((url) => /#\/t\/\d+$/.test(url.hash) && !url.hash.endsWith(`/${target.id}`));
    await messageWith(page, 'нужен новый монитор').waitFor();
    const made = Number(/\d+$/.exec(page.url())[0]);
    assert.deepEqual((await api.messages(made)).map((x) => x.id), [second.id]);
  },

  async 'a ticket is put aside out of the list, followed, and brought back'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Подождёт до завтра');
    const page = await stage.operator('aigerim');
    await openQueue(page, desk);
    await newestFirst(page);
    await rowOf(page, id).click();
    await pick(page, 'z', 'Завтра утром');
    await ticketBecomes(api, id, 'put aside', (x) => x.snoozed_until !== null);
    await rowOf(page, id).waitFor({ state: 'detached' });
    await page.locator('#conversation').focus();
    await page.keyboard.press('Shift+F');
    await ticketBecomes(api, id, 'followed', (x) => x.followers.some((f) => f.name === 'Айгерим Бекова'));
    await page.goto(`${desk.origin}/tenant.html#/queue/snoozed`);
    await rowOf(page, id).click();
    await stage.shot(page, 'snoozed');
    await pick(page, 'z', 'Вернуть сейчас');
    await ticketBecomes(api, id, 'back', (x) => x.snoozed_until === null);
    await page.goto(`${desk.origin}/tenant.html#/queue/following`);
    await rowOf(page, id).waitFor();
  },

  async 'a deleted ticket lies in the bin and comes back'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Удалена по ошибке');
    const page = await stage.operator('supervisor');
    await openTicket(page, desk, id);
    await page.getByRole('button', { name: 'Другие действия' }).click();
    await page.getByRole('menuitem', { name: 'Удалить заявку' }).click();
    await toast(page, `#${id}: заявка в корзине`).waitFor();
    await page.goto(`${desk.origin}/tenant.html#/bin`);
    const item = page.getByTestId('deleted-ticket').filter({ hasText: 'Удалена по ошибке' });
    await item.waitFor();
    await stage.shot(page, 'bin');
    await item.getByRole('button', { name: 'Восстановить' }).click();
    await item.waitFor({ state: 'detached' });
    assert.equal((await api.ticket(id)).subject, 'Удалена по ошибке');
  },

  async 'an answer is taken back before it leaves; another leaves at the time it is meant for'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Ответ подумать');
    const page = await stage.operator('aigerim');
    await page.addInitScript(() => { try { localStorage.setItem('tp.undo', '30'); } catch { /* a frame without storage */ } });
    await openTicket(page, desk, id);
    await composer(page).fill('Поспешный ответ');
    await page.keyboard.press('Control+Enter');
    const held = messageWith(page, 'Поспешный ответ');
    await held.getByTestId('held').waitFor();
    await stage.shot(page, 'held');
    assert.equal((await api.ticket(id)).status, 'new', 'it has not left');
    await held.getByRole('button', { name: 'Отменить отправку' }).click();
    await held.waitFor({ state: 'detached' });
    assert.equal(await composer(page).inputValue(), 'Поспешный ответ');
    assert.equal((await api.messages(id)).length, 1);

    await composer(page).fill('Ответ на завтра');
    await page.getByRole('button', { name: 'Отправить позже' }).click();
    await page.getByRole('option', { name: 'Завтра утром' }).click();
    const later = messageWith(page, 'Ответ на завтра');
    await later.getByTestId('held').waitFor();
    await later.getByRole('button', { name: 'Отправить сейчас' }).click();
    await until('the answer to leave', async () => (await api.messages(id)).at(-1).delivery_status === 'sent');
    await later.getByTestId('held').waitFor({ state: 'detached' });
  },

  async 'a list with its filters is kept under a name, with its number'({ stage, desk }) {
    const page = await stage.operator('aigerim');
    await openQueue(page, desk, 'all');
    await page.getByRole('button', { name: 'Фильтры' }).click();
    await page.getByRole('combobox', { name: 'Приоритет' }).selectOption('urgent');
    await page.getByRole('button', { name: 'Сохранить список' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('Срочные за всё время');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Срочные за всё время' }).waitFor();
    await page.getByRole('navigation').getByRole('link', { name: /Срочные за всё время/ }).waitFor();
    await stage.shot(page, 'saved-view');
  },

  async 'a colleague is named in a note and follows the ticket'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Нужен совет');
    const page = await stage.operator('aigerim');
    await openTicket(page, desk, id);
    await page.getByTestId('note-toggle').click();
    await composer(page).focus();
    await page.keyboard.type('Глянь, @Мари');
    await page.getByRole('option', { name: 'Марина Ким' }).waitFor();
    await page.keyboard.press('Enter');
    assert.equal(await composer(page).inputValue(), 'Глянь, @Марина Ким ');
    await page.keyboard.press('Control+Enter');
    await ticketBecomes(api, id, 'followed by Marina', (x) => x.followers.some((f) => f.name === 'Марина Ким'));
  },
};

/** Opens a ticket that may have no message of its own any more. */
async function openTicketAlone(page, desk, id) {
  await page.goto(`${desk.origin}/tenant.html#/t/${id}`);
  await page.locator('#conversation').waitFor();
}
