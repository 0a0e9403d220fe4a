/** Two operators at one ticket: they see each other, and neither loses a word. */
import assert from 'node:assert/strict';
import { composer, holdBack, messageWith, openTicket, pick, rowOf, ticketBecomes } from '../parts/steps.mjs';

/** The line above the composer that tells who else is here. */
const presence = (page, words) => page.locator('#conversation [role=status]').filter({ hasText: words });

export default {
  async 'two operators see each other look and type; a message that arrives meanwhile is told before sending; no draft is lost'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Двое за одной заявкой');
    const [one, two] = await Promise.all([stage.operator('aigerim'), stage.operator('marina')]);
    await Promise.all([openTicket(one, desk, id), openTicket(two, desk, id)]);
    await presence(one, 'Тоже смотрит: Марина Ким').waitFor();
    await presence(two, 'Тоже смотрит: Айгерим Бекова').waitFor();

    await composer(one).fill('Черновик Айгерим, ещё не готов');
    await composer(two).focus();
    await two.keyboard.type('Отвечает Марина');
    const line = presence(one, 'Марина Ким пишет…');
    await line.waitFor();
    await rowOf(one, id).locator('.presence.writing').waitFor({ state: 'attached' });
    await stage.shot(one, 'together-typing');
    await two.keyboard.press('Control+Enter');

    await one.getByText('Пока вы писали, пришло сообщение: Марина Ким').waitFor();
    await messageWith(one, 'Отвечает Марина').waitFor();
    await line.waitFor({ state: 'detached' });
    assert.equal(await composer(one).inputValue(), 'Черновик Айгерим, ещё не готов');
    await stage.shot(one, 'together-banner');
    await composer(one).focus();
    await one.keyboard.press('Control+Enter');
    await one.getByRole('button', { name: 'Всё равно отправить' }).waitFor();
    assert.equal((await api.messages(id)).length, 2, 'the first press only asks');
    await one.keyboard.press('Control+Enter');
    await messageWith(two, 'Черновик Айгерим, ещё не готов').waitFor();
    assert.deepEqual((await api.messages(id)).slice(1).map((x) => x.author_name), ['Марина Ким', 'Айгерим Бекова']);

    await two.goto(`${desk.origin}/tenant.html#/queue/active`);
    await presence(one, 'Тоже смотрит: Марина Ким').waitFor({ state: 'detached' });
  },

  async 'a change made beside one’s own is shown at once, and one’s own is never written over silently'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Кто первый');
    const [one, two] = await Promise.all([stage.operator('aigerim'), stage.operator('marina')]);
    await Promise.all([openTicket(one, desk, id), openTicket(two, desk, id)]);
    await pick(one, 'p', 'Срочный');
    await two.getByRole('button', { name: 'Срочный' }).first().waitFor();

    stage.allow(/update_ticket/);
    const release = await holdBack(two, 'update_ticket');
    await pick(two, 'p', 'Низкий');
    await pick(one, 'p', 'Обычный');
    await ticketBecomes(api, id, 'normal', (x) => x.priority === 'normal');
    release();
    const notice = two.getByTestId('conflict');
    await notice.getByText('Сейчас «Обычный» (Айгерим Бекова), вы выбрали «Низкий».').waitFor();
    await stage.shot(two, 'conflict');
    assert.equal((await api.ticket(id)).priority, 'normal');
    await notice.getByRole('button', { name: 'Поставить «Низкий»' }).click();
    await ticketBecomes(api, id, 'low', (x) => x.priority === 'low');
    await notice.waitFor({ state: 'detached' });
  },

  async 'work that is completed on a ticket that was put on hold meanwhile is asked about, and tags of two are both kept'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Завершают и ждут');
    const [one, two] = await Promise.all([stage.operator('aigerim'), stage.operator('marina')]);
    await Promise.all([openTicket(one, desk, id), openTicket(two, desk, id)]);
    stage.allow(/complete_ticket|add_ticket_tag/);
    const tagged = async (page, name) => {
      await page.locator('#conversation').focus();
      await page.keyboard.press('t');
      await page.getByPlaceholder('Найти или создать метку').fill(name);
      await page.getByRole('option', { name: new RegExp(name) }).click();
      await page.keyboard.press('Escape');
    };
    const releaseTag = await holdBack(two, 'add_ticket_tag');
    await tagged(two, 'вдвоём-два');
    await tagged(one, 'вдвоём-раз');
    await ticketBecomes(api, id, 'tagged', (x) => x.tags.length === 1);
    releaseTag();
    await ticketBecomes(api, id, 'tagged by both', (x) => x.tags.length === 2);

    const releaseCompletion = await holdBack(two, 'complete_ticket');
    await two.locator('#conversation').focus();
    await two.keyboard.press('e');
    const dialog = two.getByRole('dialog');
    await dialog.getByLabel('Результат').fill('Перезапустили службу');
    await dialog.getByRole('button', { name: 'Завершить' }).click();
    await pick(one, 's', 'На паузе');
    await ticketBecomes(api, id, 'on hold', (x) => x.status === 'on_hold');
    releaseCompletion();
    const notice = two.getByTestId('conflict');
    await notice.getByText('Айгерим Бекова').waitFor();
    await stage.shot(two, 'conflict-complete');
    assert.equal((await api.ticket(id)).status, 'on_hold');
    await notice.getByRole('button', { name: 'Поставить' }).click();
    const done = await ticketBecomes(api, id, 'done', (x) => x.status === 'done');
    assert.equal(done.result, 'Перезапустили службу');
    await notice.waitFor({ state: 'detached' });
  },

  async 'who completes a ticket that a colleague has just completed keeps the words that were typed'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Завершают вдвоём');
    const page = await stage.operator('marina');
    await openTicket(page, desk, id);
    stage.allow(/complete_ticket/);
    await page.locator('#conversation').focus();
    await page.keyboard.press('e');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Результат').fill('Заменили кабель и розетку');
    await api.admin('complete_ticket', { ticket_id: id, result: 'Заменили кабель' });
    await dialog.getByRole('button', { name: 'Завершить' }).click();
    await page.locator('.toast.error').waitFor();
    assert.equal(await dialog.getByLabel('Результат').inputValue(), 'Заменили кабель и розетку');
    assert.equal((await api.ticket(id)).result, 'Заменили кабель');
  },

  async 'a ticket that two put aside for different times keeps the first until the second is sure'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Откладывают вдвоём');
    const [one, two] = await Promise.all([stage.operator('aigerim'), stage.operator('marina')]);
    await Promise.all([openTicket(one, desk, id), openTicket(two, desk, id)]);
    stage.allow(/snooze_ticket/);
    const release = await holdBack(two, 'snooze_ticket');
    await pick(two, 'z', 'Через неделю');
    await pick(one, 'z', 'Завтра утром');
    const { snoozed_until: first } = await ticketBecomes(api, id, 'put aside', (x) => x.snoozed_until !== null);
    release();
    const notice = two.getByTestId('conflict');
    await notice.getByText('Айгерим Бекова').waitFor();
    await stage.shot(two, 'conflict-snooze');
    assert.equal((await api.ticket(id)).snoozed_until, first);
    await notice.getByRole('button', { name: 'Поставить' }).click();
    await ticketBecomes(api, id, 'put aside for longer', (x) => x.snoozed_until > first);
    await notice.waitFor({ state: 'detached' });
  },

  async 'two take one ticket at the same moment: the second is told who has it and may leave it there'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Двое берут одну');
    const [one, two] = await Promise.all([stage.operator('aigerim'), stage.operator('marina')]);
    await Promise.all([openTicket(one, desk, id), openTicket(two, desk, id)]);
    stage.allow(/update_ticket/);
    const release = await holdBack(two, 'update_ticket');
    await two.getByRole('button', { name: 'Взять' }).click();
    await one.getByRole('button', { name: 'Взять' }).click();
    await ticketBecomes(api, id, 'taken', (x) => x.assigned_name === 'Айгерим Бекова');
    release();
    const notice = two.getByTestId('conflict');
    await notice.getByRole('button', { name: 'Оставить «Айгерим Бекова»' }).click();
    await notice.waitFor({ state: 'detached' });
    assert.equal((await api.ticket(id)).assigned_name, 'Айгерим Бекова');
  },
};
