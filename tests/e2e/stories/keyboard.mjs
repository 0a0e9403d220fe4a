/** A whole ticket without a mouse: every step is a key, and the focus is always somewhere one can see. */
import assert from 'node:assert/strict';
import { command, messageWith, pick, ticketBecomes, toast } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';
import { emailOf, password } from '../parts/world.mjs';

const focused = (page) => page.evaluate(() => {
  const node = document.activeElement;
  return { testid: node?.dataset?.testid, tag: node?.tagName, ticket: node?.dataset?.ticketId };
});

/** Presses Tab until the field of this name has the focus, and sees to it that one can see where it is on the way. */
async function tabTo(page, name) {
  await page.getByLabel(name, { exact: true }).waitFor();
  for (let i = 0; i < 80; i += 1) {
    await page.keyboard.press('Tab');
    if (await page.getByLabel(name, { exact: true }).evaluate((node) => node === document.activeElement)) return;
    const hidden = await page.evaluate(() => { const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement); return document.activeElement !== document.body && outlineStyle === 'none' && boxShadow === 'none' && document.activeElement.outerHTML.slice(0, 120); });
    assert.ok(!hidden, `the focus cannot be seen on ${hidden}`);
  }
  assert.fail(`Tab does not lead to «${name}»`);
}

export default {
  async 'by keyboard alone one signs in, finds a ticket, replies, notes, assigns and completes it'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Прокладка кабеля до серверной');
    const page = await stage.window();
    const { keyboard } = page;
    await page.goto(`${desk.origin}/tenant.html`);
    await until('the first field has the focus', async () => (await focused(page)).testid === 'login');
    await keyboard.type(emailOf('aigerim'));
    await keyboard.press('Tab');
    await keyboard.type(password);
    await keyboard.press('Enter');
    await page.getByTestId('ticket-row').first().waitFor();

    await keyboard.press('/');
    await keyboard.type('прокладка каб');
    await until('one row is left', async () => (await page.getByTestId('ticket-row').count()) === 1);
    await keyboard.press('ArrowDown');
    assert.equal((await focused(page)).ticket, String(id));
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(ring, 'none', 'the focus can be seen');
    await keyboard.press('Enter');
    await page.getByTestId('message').first().waitFor();

    await keyboard.press('r');
    assert.equal((await focused(page)).testid, 'composer');
    await keyboard.type('Приедем завтра к десяти.');
    await keyboard.press('Control+Enter');
    await messageWith(page, 'Приедем завтра к десяти.').and(page.locator('[data-message-id]')).waitFor();
    await keyboard.press('Escape');
    assert.equal((await focused(page)).ticket, String(id), 'Escape leads back to the list');

    await keyboard.press('n');
    await keyboard.type('Взять перфоратор и 40 м кабеля.');
    await keyboard.press('Control+Enter');
    await messageWith(page, 'Взять перфоратор').and(page.locator('[data-message-id]')).waitFor();
    await keyboard.press('Escape');

    await keyboard.press('a');
    await page.locator('.pop input:focus').waitFor();
    await keyboard.type('Ерлан');
    await keyboard.press('Enter');
    await ticketBecomes(api, id, 'Erlan’s', (x) => x.assigned_name === 'Ерлан Сәрсенов');
    await page.locator('.pop').waitFor({ state: 'detached' });

    await keyboard.press('e');
    await page.getByRole('dialog').waitFor();
    await until('the field has the focus', async () => (await focused(page)).tag === 'TEXTAREA');
    await keyboard.type('Кабель проложен.');
    await keyboard.press('Control+Enter');
    const done = await ticketBecomes(api, id, 'done', (x) => x.status === 'done');
    assert.equal(done.result, 'Кабель проложен.');
    const said = await api.messages(id);
    assert.deepEqual(said.slice(1, 3).map((x) => [x.message, x.is_note]), [['Приедем завтра к десяти.', false], ['Взять перфоратор и 40 м кабеля.', true]]);
  },

  async 'by keyboard alone one applies a macro, closes a ticket and takes it back, edits an article and changes a setting'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Мышь сломалась');
    const page = await stage.window();
    const { keyboard } = page;
    await page.goto(`${desk.origin}/tenant.html`);
    await until('the first field has the focus', async () => (await focused(page)).testid === 'login');
    await keyboard.type(emailOf('admin'));
    await keyboard.press('Tab');
    await keyboard.type(password);
    await keyboard.press('Enter');
    await page.getByTestId('ticket-row').first().waitFor();

    await command(page, String(id), `Открыть заявку #${id}`);
    await page.getByTestId('message').first().waitFor();
    await keyboard.press('m');
    await page.locator('.pop input:focus').waitFor();
    await keyboard.type('Ждём');
    await page.locator('.pop [role=option]').filter({ hasText: 'Ждём' }).waitFor();
    await keyboard.press('Enter');
    await until('the way on has the focus', async () => (await focused(page)).testid === 'macro-apply');
    await keyboard.press('Enter');
    await ticketBecomes(api, id, 'on hold', (x) => x.status === 'on_hold');
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    await pick(page, 's', 'В работе');
    await ticketBecomes(api, id, 'worked on', (x) => x.status === 'in_progress');
    await page.locator('.pop').waitFor({ state: 'detached' });
    await page.locator('[data-testid=status][data-value=in_progress]').waitFor();
    await keyboard.press('e');
    await until('the field has the focus', async () => (await focused(page)).tag === 'TEXTAREA');
    await keyboard.type('Мышь заменена.');
    await keyboard.press('Control+Enter');
    await ticketBecomes(api, id, 'done', (x) => x.status === 'done');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await toast(page, '«Решена»').waitFor();
    await keyboard.press('Control+z');
    await ticketBecomes(api, id, 'open again', (x) => x.status !== 'done');

    await command(page, 'не печатает чек', 'Касса не печатает чек');
    await tabTo(page, 'Текст статьи');
    await keyboard.press('Control+End');
    await keyboard.type('\n\nДописано без мыши.');
    await keyboard.press('Control+s');
    await toast(page, 'Сохранено').waitFor();
    const articles = await api.admin('list_kb_articles', { search: 'Дописано без мыши' });
    assert.equal(articles.length, 1);

    await command(page, 'профиль', 'Профиль');
    await page.getByRole('heading', { name: 'Профиль', level: 1 }).waitFor();
    await tabTo(page, 'Тема');
    await keyboard.press('End');
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
  },

  async 'a dialog keeps the focus inside and gives it back when Escape closes it'({ world, stage, desk }) {
    const { id } = await world.ticket('Где фокус');
    const page = await stage.operator('aigerim');
    await page.goto(`${desk.origin}/tenant.html#/t/${id}`);
    await page.getByTestId('message').first().waitFor();
    await page.locator('#conversation').focus();
    await page.keyboard.press('e');
    await page.getByRole('dialog').waitFor();
    for (let i = 0; i < 9; i += 1) {
      await page.keyboard.press('Tab');
      assert.ok(await page.evaluate(() => document.activeElement.closest('[role=dialog]') !== null), 'Tab stays in the dialog');
    }
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await until('the focus is back', () => page.evaluate(() => document.activeElement.id === 'conversation'));
  },
};
