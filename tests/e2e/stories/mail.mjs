/** The main story: a mail comes in, an operator answers in the browser, the answer goes out, the customer writes back. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { compose, deliver } from '../parts/post.mjs';
import { composer, messageWith, newestFirst, openQueue, rowOf } from '../parts/steps.mjs';
import { mailbox } from '../parts/world.mjs';
import { refusedDomain } from '../parts/sink.mjs';
import { until } from '../parts/until.mjs';

const subject = 'Не проходит оплата за сентябрь № 47';
const customer = 'asel@customer.test';
const act = { name: 'Акт сверки, сентябрь.pdf', type: 'application/pdf', bytes: Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(40_000)]) };

async function ticketOf(api, wanted) {
  const { tickets } = await api.admin('list_tickets', { search: wanted, limit: 100 });
  return tickets.find((ticket) => ticket.subject === wanted);
}

export default {
  async 'a mail appears in the open queue by itself, is answered by keyboard, the answer is threaded, and the customer’s reply arrives live with its quote folded'({ world, stage, desk, api }) {
    const page = await stage.operator('aigerim');
    await openQueue(page, desk);
    await newestFirst(page);
    await page.evaluate(() => { window.untouched = true; });

    const mail = compose({ from: customer, name: 'Әсел Қожахметова', to: mailbox, subject, text: 'Здравствуйте!\r\n\r\nОплата за сентябрь не проходит, банк пишет «Отклонено». Акт прилагаю.\r\n\r\nӘсел', attachments: [act] });
    await deliver(desk.smtpPort, mail);
    const ticket = await until('the ticket of the mail', () => ticketOf(api, subject));
    const row = rowOf(page, ticket.id);
    await row.waitFor();
    assert.ok(await page.evaluate(() => window.untouched), 'the page was not loaded anew');
    assert.match(await row.textContent(), /Не проходит оплата за сентябрь № 47.*Әсел Қожахметова/s);
    assert.equal(ticket.status, 'new');
    await stage.shot(page, 'mail-queue');

    await row.focus();
    await page.keyboard.press('Enter');
    const first = messageWith(page, 'банк пишет «Отклонено»');
    await first.waitFor();
    const link = first.getByRole('link', { name: act.name });
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    assert.equal(download.suggestedFilename(), act.name);
    assert.ok((await readFile(await download.path())).equals(act.bytes), 'the attachment is what was sent, byte by byte');

    await page.locator('#conversation').focus();
    await page.keyboard.press('r');
    await page.keyboard.type('Здравствуйте, Әсел! Банк подтвердил платёж, проверьте, пожалуйста.');
    await page.keyboard.press('Control+Enter');
    const answer = messageWith(page, 'Банк подтвердил платёж');
    await answer.getByText('Отправлено').waitFor({ timeout: 20_000 });
    assert.equal(await composer(page).inputValue(), '');

    const sent = await world.sink.take('the answer', (x) => x.to.includes(customer) && x.text.includes('Банк подтвердил платёж'));
    assert.equal(sent.header('In-Reply-To'), mail.id);
    assert.ok(sent.header('References').split(/\s+/).includes(mail.id), 'References names the mail that is answered');
    assert.match(sent.header('From'), /<help@desk\.test>$/);
    assert.match(sent.header('Subject'), /^Re: .*Не проходит оплата за сентябрь № 47/);
    const replyTo = /[^\s<]+@[^\s>]+/.exec(sent.header('Reply-To'))?.[0];
    assert.match(replyTo, /^help\+[^@]{10,}@desk\.test$/, 'answers come back to an address that nobody can guess');
    assert.notEqual(sent.header('Message-ID'), '');
    await page.getByTestId('status').filter({ hasText: 'В работе' }).waitFor();

    const quoted = sent.text.split('\n').map((line) => `> ${line}`).join('\r\n');
    await deliver(desk.smtpPort, compose({
      from: customer, name: 'Әсел Қожахметова', to: replyTo, subject: `Re: ${sent.header('Subject')}`, inReplyTo: sent.header('Message-ID'), references: `${mail.id} ${sent.header('Message-ID')}`,
      text: `Теперь всё прошло, рақмет!\r\n\r\nпн, 23 нояб. 2026 г. в 10:12, Служба поддержки <${mailbox}>:\r\n\r\n${quoted}\r\n`,
    }));
    const back = messageWith(page, 'Теперь всё прошло, рақмет!');
    await back.waitFor();
    assert.ok(!(await back.textContent()).includes('Банк подтвердил платёж'), 'the quote is folded away');
    const fold = back.getByRole('button', { name: 'Показать или скрыть цитату' });
    assert.equal(await fold.textContent(), '···');
    await stage.shot(page, 'mail-conversation');
    await fold.click();
    await back.getByText('Банк подтвердил платёж').waitFor();
    assert.ok(await page.evaluate(() => window.untouched), 'all of it happened on one page');
    assert.equal((await api.messages(ticket.id)).length, 3);
    assert.equal((await ticketOf(api, subject)).id, ticket.id, 'the reply made no ticket of its own');
  },

  async 'an answer that the customer’s server refuses is marked with the reason and can be sent again'({ world, stage, desk, api }) {
    const lost = `nobody@${refusedDomain}`;
    await deliver(desk.smtpPort, compose({ from: lost, to: mailbox, subject: 'Письмо без обратного пути', text: 'Ответьте мне.' }));
    const ticket = await until('the ticket of the mail', () => ticketOf(api, 'Письмо без обратного пути'));
    const page = await stage.operator('aigerim');
    await page.goto(`${desk.origin}/tenant.html#/t/${ticket.id}`);
    await composer(page).fill('Отвечаем вам.');
    await page.getByTestId('send').click();
    const answer = messageWith(page, 'Отвечаем вам.');
    await answer.getByText('Не доставлено').waitFor({ timeout: 20_000 });
    assert.match(await answer.textContent(), /No such mailbox here/);
    await stage.shot(page, 'mail-failed');
    const tries = () => world.sink.refused.filter((address) => address === lost).length;
    assert.equal(tries(), 1, 'what is refused for good is not tried again by itself');
    await answer.getByRole('button', { name: 'Повторить' }).click();
    await until('the second try', () => tries() === 2);
    await answer.getByText('Не доставлено').waitFor();
    assert.deepEqual(world.sink.to(lost), []);
  },
};
