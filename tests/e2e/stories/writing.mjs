/** Writing: replies and notes, drafts that survive, files that are pasted and dropped. */
import assert from 'node:assert/strict';
import { command, composer, handOver, messageWith, openQueue, openTicket, rowOf } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';
import { emailOf, password } from '../parts/world.mjs';

const background = (locator) => locator.evaluate((node) => { for (let at = node; at; at = at.parentElement) { const { backgroundColor } = getComputedStyle(at); if (!/, 0\)$|transparent/.test(backgroundColor)) return backgroundColor; } return ''; });

export default {
  async 'a note looks like no reply, is kept from the client, and both texts wait for each other'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Доступ к общей почте', { contact_email: 'notes@client.test', channel: 'email' });
    const page = await stage.operator('aigerim');
    await openTicket(page, desk, id);
    await composer(page).fill('Ответ, который ещё пишется');
    const replyColour = await background(composer(page));
    await page.getByTestId('note-toggle').click();
    assert.equal(await composer(page).inputValue(), '');
    assert.notEqual(await background(composer(page)), replyColour, 'one sees that this is a note');
    assert.match(await composer(page).getAttribute('placeholder'), /клиент её не увидит/);
    await composer(page).fill('Только для своих: проверить договор.');
    await page.keyboard.press('Control+Enter');
    const note = messageWith(page, 'Только для своих');
    await note.getByText('Внутренняя заметка').waitFor();
    await page.getByRole('button', { name: /^Ответ/ }).click();
    assert.equal(await composer(page).inputValue(), 'Ответ, который ещё пишется', 'the reply has waited');
    await page.keyboard.press('Control+Enter');
    const reply = messageWith(page, 'Ответ, который ещё пишется');
    await reply.waitFor();
    await stage.shot(page, 'writing-note');
    assert.notEqual(await background(note.locator('.text')), await background(reply.locator('.text')));
    const kept = await until('both messages', async () => { const all = await api.messages(id); return all.length === 3 && all; });
    assert.deepEqual(kept.map((x) => x.is_note), [false, true, false]);
    await world.sink.take('the reply', (x) => x.to.includes('notes@client.test'));
    assert.equal(world.sink.to('notes@client.test').some((x) => x.text.includes('Только для своих')), false);
  },

  async 'a draft survives the reload, the queue marks it, and it is there after leaving and signing in again'({ world, stage, desk }) {
    const { id } = await world.ticket('Черновик живёт');
    const page = await stage.operator('marina', { session: world.signIn('marina') });
    await openTicket(page, desk, id);
    await composer(page).fill('Пока не отправлено');
    await page.getByText('Черновик сохранён').waitFor();
    await page.reload();
    await page.getByTestId('message').first().waitFor();
    assert.equal(await composer(page).inputValue(), 'Пока не отправлено');
    stage.allow(/list_tickets$|list_clients$|list_kb_articles$|ticket_counts$/); // what was under way when the door was shut
    await command(page, 'выйти', 'Выйти');
    await page.getByTestId('login').fill(emailOf('marina'));
    await page.getByTestId('password').fill(password);
    await page.getByTestId('login-submit').click();
    await page.getByTestId('search').fill('Черновик живёт');
    await rowOf(page, id).getByText('Черновик', { exact: true }).waitFor();
    await rowOf(page, id).click();
    await page.getByTestId('message').first().waitFor();
    assert.equal(await composer(page).inputValue(), 'Пока не отправлено');
  },

  async 'a draft survives the crash of its tab and is there in another'({ world, stage, desk }) {
    const { id } = await world.ticket('Вкладка упала');
    const page = await stage.operator('marina');
    await openTicket(page, desk, id);
    await composer(page).focus();
    await page.keyboard.type('Недописанный ответ');
    const crashed = page.waitForEvent('crash');
    await Promise.all([crashed, page.goto('chrome://crash').catch(() => undefined)]);
    const next = await page.context().newPage();
    await openTicket(next, desk, id);
    assert.equal(await composer(next).inputValue(), 'Недописанный ответ');
    await page.close();
  },

  async 'marks are put by keys, lists go on by themselves, and the client’s mail shows what is meant'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Как сбросить пароль', { contact_email: 'marks@client.test', channel: 'email' });
    const page = await stage.operator('aigerim');
    await openTicket(page, desk, id);
    await composer(page).focus();
    await page.keyboard.type('Откройте ');
    await page.keyboard.press('Control+b');
    await page.keyboard.type('Смена паролей');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+Shift+Digit7');
    await page.keyboard.type('Введите новый пароль');
    await page.keyboard.press('Enter');
    await page.keyboard.type('Нажмите «Готово»');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    assert.equal(await composer(page).inputValue(), 'Откройте **Смена паролей**\n1. Введите новый пароль\n2. Нажмите «Готово»\n');
    await page.keyboard.press('Control+Enter');
    const sent = messageWith(page, 'Введите новый пароль');
    await sent.locator('b', { hasText: /^Смена паролей$/ }).waitFor();
    await stage.shot(page, 'marks');
    assert.match((await api.messages(id)).at(-1).message, /^Откройте \*\*Смена паролей\*\*\n1\. /);
    const letter = await world.sink.take('the reply', (x) => x.to.includes('marks@client.test'));
    assert.ok(letter.html.includes('Откройте <b>Смена паролей</b>'), letter.html);
    assert.ok(letter.text.includes('Откройте **Смена паролей**'), 'plain text keeps what was typed');
  },

  async 'a voice note is recorded where the browser lets it, and leaves with the reply'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Проще сказать');
    const near = desk.address.replace('127.0.0.1', 'localhost');
    stage.allowOrigin(near);
    const page = await stage.operator('aigerim');
    const { cookie } = await world.as('aigerim');
    await page.context().addCookies([{ ...cookie, url: near, httpOnly: true, sameSite: 'Lax' }]);
    await page.context().grantPermissions(['microphone'], { origin: near });
    await page.goto(`${near}/tenant.html?lang=ru#/t/${id}`);
    await page.getByTestId('voice').click();
    await page.getByRole('timer').filter({ hasText: '0:02' }).waitFor();
    await stage.shot(page, 'voice');
    await page.getByTestId('voice-stop').click();
    await page.locator('form audio').waitFor();
    await composer(page).fill('Голосом короче');
    await page.keyboard.press('Control+Enter');
    const file = await until('the recording to be there', async () => (await api.messages(id)).at(-1).files[0]);
    assert.match(file.mime, /^audio\//);
    assert.ok(file.size > 500, 'something was heard');
    await openTicket(page, desk, id);
    assert.equal(await page.getByTestId('voice').count(), 0, 'an office network without https has no microphone');
  },

  async 'another person on the same machine does not see the draft'({ world, stage, desk }) {
    const { id } = await world.ticket('Чужой черновик');
    const page = await stage.operator('aigerim');
    await openTicket(page, desk, id);
    await composer(page).fill('Это пишет Айгерим');
    await page.getByText('Черновик сохранён').waitFor();
    const { cookie } = await world.as('erlan');
    await page.context().addCookies([{ ...cookie, url: desk.origin, httpOnly: true }]);
    await page.reload();
    await page.getByTestId('message').first().waitFor();
    assert.equal(await composer(page).inputValue(), '');
  },

  async 'files are taken by paste and by drop, belong to the draft and leave with the reply'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Файлы к ответу');
    const page = await stage.operator('aigerim');
    await openTicket(page, desk, id);
    const strip = page.locator('form').filter({ has: composer(page) });
    await handOver(composer(page), 'paste', [['снимок экрана.txt', 'text/plain', 'то, что вставили']]);
    await strip.getByRole('link', { name: 'снимок экрана.txt' }).waitFor();
    await handOver(composer(page), 'drop', [['журнал.log', 'text/plain', 'то, что бросили'], ['лишний.txt', 'text/plain', 'лишнее']]);
    await strip.getByRole('link', { name: 'лишний.txt' }).waitFor();
    await strip.getByRole('link', { name: 'журнал.log' }).waitFor();
    await page.reload();
    await strip.getByRole('link', { name: 'журнал.log' }).waitFor();
    await strip.getByRole('button', { name: 'Убрать файл лишний.txt' }).click();
    await page.locator('input[type=file]').setInputFiles({ name: 'договор.docx', mimeType: 'application/octet-stream', buffer: Buffer.from([0, 1, 2, 255]) });
    await strip.getByRole('link', { name: 'договор.docx' }).waitFor();
    await composer(page).fill('Файлы во вложении.');
    await page.getByTestId('send').click();
    const reply = messageWith(page, 'Файлы во вложении.').and(page.locator('[data-message-id]'));
    for (const name of ['снимок экрана.txt', 'журнал.log', 'договор.docx']) await reply.getByRole('link', { name }).waitFor();
    assert.equal(await strip.getByRole('link').count(), 0);
    const sent = (await api.messages(id)).at(-1).files;
    assert.deepEqual(sent.map((file) => file.name).sort(), ['договор.docx', 'журнал.log', 'снимок экрана.txt'].sort());
    const { cookie } = await world.as('aigerim');
    const pasted = await fetch(desk.address + sent.find((file) => file.name === 'снимок экрана.txt').url, { headers: { Cookie: `${cookie.name}=${cookie.value}` } });
    assert.equal(await pasted.text(), 'то, что вставили');
  },

  async 'a reply written while the server is away is sent once when it is back'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Связь пропала');
    const page = await stage.operator('aigerim');
    await openTicket(page, desk, id);
    stage.allow(/net::ERR_INTERNET_DISCONNECTED/);
    await page.context().setOffline(true);
    await composer(page).fill('Написано без связи');
    await page.getByTestId('send').click();
    await messageWith(page, 'Написано без связи').getByText('Ждёт связи с сервером').waitFor();
    await stage.shot(page, 'writing-offline');
    await page.context().setOffline(false);
    await messageWith(page, 'Написано без связи').and(page.locator('[data-message-id]')).waitFor({ timeout: 20_000 });
    assert.equal((await api.messages(id)).filter((x) => x.message === 'Написано без связи').length, 1);
  },

  async 'a quick reply is found by its shortcut and filled in'({ world, stage, desk }) {
    const aigerim = await world.as('aigerim');
    const { shortcut } = (await aigerim.admin('list_quick_replies')).find((x) => x.shortcut);
    const { id } = await world.ticket('Быстрый ответ');
    const page = await stage.operator('aigerim');
    await openQueue(page, desk);
    await openTicket(page, desk, id);
    await composer(page).focus();
    await page.keyboard.type(`/${shortcut}`);
    await page.getByRole('option').first().waitFor();
    await page.keyboard.press('Enter');
    const text = await composer(page).inputValue();
    assert.ok(text.length > 10 && !text.startsWith('/') && !text.includes('{{'), text);
  },
};
