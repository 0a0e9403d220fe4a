/** A bot and a phone are connected in the settings, and what is said there is answered in the desk. */
import assert from 'node:assert/strict';
import { botApi, evolution } from '../parts/bots.mjs';
import { faultsOf } from '../parts/look.mjs';
import { composer, messageWith, openTicket, toast } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';

const choose = async (page, desk, name) => {
  await page.goto(`${desk.origin}/tenant.html#/settings/channels`);
  await page.getByRole('button', { name: 'Добавить канал' }).click();
  await page.getByRole('dialog').getByRole('button', { name }).click();
};
const post = (desk, call, update) => fetch(new URL(new URL(call.body.url).pathname + new URL(call.body.url).search, desk.address), {
  method: 'POST', headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': call.body.secret_token }, body: JSON.stringify(update),
});
const from = { id: 77, is_bot: false, first_name: 'Асем', language_code: 'ru' };
const message = (id, more) => ({ update_id: 5000 + id, message: { message_id: id, date: 1772611653, from, chat: { id: 77, first_name: 'Асем', type: 'private' }, ...more } });

/** Leaves no channel behind that would look for its stand-in. */
const forget = async (world, type) => {
  const admin = await world.as('admin');
  for (const channel of await admin.admin('list_channels')) if (channel.type === type) await admin.admin('delete_channel', { channel_id: channel.id });
};

export default {
  async 'a Telegram bot is connected by its token, and a client is answered there'({ world, stage, desk, api }) {
    const bot = await botApi();
    try {
      const page = await stage.operator('admin');
      await choose(page, desk, 'Telegram');
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('button', { name: 'Подключить' }).click();
      await dialog.locator('[aria-invalid=true]').first().waitFor();
      await dialog.getByLabel('Токен бота').fill('123:token');
      await dialog.getByLabel('Как получать сообщения').selectOption('webhook');
      await dialog.getByLabel('Адрес API').fill(bot.url);
      await stage.shot(page, 'telegram-form');
      await dialog.getByRole('button', { name: 'Подключить' }).click();
      await toast(page, 'ответил @desk_bot').waitFor();
      await page.getByText('Telegram · @desk_bot').waitFor();
      await stage.shot(page, 'telegram-connected');
      assert.deepEqual(await faultsOf(page, 'channels'), []);

      const [set] = bot.calls('setWebhook');
      const sent = await post(desk, set, message(1, { text: 'Касса не печатает 👋' }));
      assert.equal(sent.status, 200);
      await post(desk, set, message(2, { photo: [{ file_id: 'p', width: 1, height: 1 }], caption: 'вот экран', reply_to_message: { message_id: 1, chat: { id: 77 } } }));
      await post(desk, set, message(3, { voice: { file_id: 'v', duration: 1, mime_type: 'audio/ogg' } }));
      await post(desk, set, { update_id: 6001, message_reaction: { chat: { id: 77, type: 'private' }, message_id: 2, user: from, date: 1, old_reaction: [], new_reaction: [{ type: 'emoji', emoji: '👍' }] } });
      const row = await until('the ticket with its reaction', async () => {
        const { tickets } = await api.admin('list_tickets', { channel: 'telegram', search: 'касса' });
        if (!tickets[0] || tickets[0].message_count < 3) return undefined;
        const whole = await api.admin('get_ticket', { ticket_id: tickets[0].id });
        return whole.messages.some((x) => x.reactions.length) && tickets[0];
      });
      const operator = await stage.operator('aigerim');
      await openTicket(operator, desk, row.id);
      await messageWith(operator, 'вот экран').getByRole('img', { name: /photo/ }).waitFor();
      await messageWith(operator, 'вот экран').getByText('👍').first().waitFor();
      await messageWith(operator, 'вот экран').locator('.answered').filter({ hasText: 'Касса не печатает' }).waitFor();
      await operator.locator('audio').waitFor();
      await composer(operator).click();
      await operator.keyboard.type('Перезагрузите её, пожалуйста');
      await operator.getByTestId('send').click();
      await messageWith(operator, 'Перезагрузите её').getByText('Отправлено').waitFor();
      assert.equal(bot.calls('sendMessage').at(-1).body.text, 'Перезагрузите её, пожалуйста');
      await stage.shot(operator, 'telegram-ticket');
      assert.deepEqual(await faultsOf(operator, 'a ticket of a messenger'), []);
      const phone = await stage.operator('aigerim', { size: 'phone', theme: 'dark' });
      await openTicket(phone, desk, row.id);
      await phone.locator('audio').waitFor();
      await stage.shot(phone, 'telegram-ticket-phone');
      assert.deepEqual(await faultsOf(phone, 'a ticket of a messenger on a phone'), []);
    } finally {
      await forget(world, 'telegram');
      await bot.close();
    }
  },

  async 'a phone is connected to WhatsApp by a code on the screen'({ stage, desk, world }) {
    const server = await evolution();
    try {
      const page = await stage.operator('admin', { lang: 'ru' });
      await choose(page, desk, 'WhatsApp');
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Адрес сервера Evolution API').fill(server.url);
      await dialog.getByLabel('Имя подключения').fill('support-almaty');
      await dialog.getByLabel('Ключ API').fill('evo-key');
      await stage.shot(page, 'whatsapp-form');
      await dialog.getByRole('button', { name: 'Подключить' }).click();
      await page.getByTestId('qr').waitFor();
      await page.getByText('WZYEH1YY').waitFor();
      await stage.shot(page, 'whatsapp-qr');
      assert.deepEqual(await faultsOf(page, 'a code to scan'), []);
    } finally {
      await forget(world, 'whatsapp');
      await server.close();
    }
  },

  async 'a client in WhatsApp opens the link to rate the work, on a phone, and is thanked'({ stage, desk, world, api }) {
    const server = await evolution('open');
    const admin = await world.as('admin');
    try {
      await admin.admin('save_settings', { ask_rating: true });
      await admin.admin('create_channel', { type: 'whatsapp', name: 'WhatsApp', config: { base_url: server.url, instance: 'support-almaty', api_key: 'evo-key' } });
      const hook = await until('the webhook', () => server.calls('/webhook/set/').map(({ body }) => (body.webhook ?? body).url).find(Boolean));
      const { pathname, search } = new URL(hook);
      const said = { event: 'messages.upsert', instance: 'support-almaty', data: { key: { remoteJid: '77015550142@s.whatsapp.net', fromMe: false, id: '3EB0RATE' }, pushName: 'Ержан', message: { conversation: 'Штрихкодер не видит сеть' }, messageType: 'conversation', messageTimestamp: 1772611653 } };
      assert.equal((await fetch(new URL(pathname + search, desk.address), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(said) })).status, 200);
      const ticket = await until('the ticket', async () => (await api.admin('list_tickets', { channel: 'whatsapp', search: 'штрихкодер' })).tickets[0]);
      await api.admin('complete_ticket', { ticket_id: ticket.id, result: 'Заменён кабель' });
      const link = await until('the question', () => server.calls('/message/sendText').map(({ text }) => /\/rate\/[^\s"\\]+/.exec(text)?.[0]).find(Boolean));
      for (const size of ['desktop', 'phone']) {
        const page = await stage.window({ size, theme: size === 'phone' ? 'dark' : 'light' });
        await page.goto(`${desk.origin}${link}`);
        await page.getByRole('heading', { name: 'Оцените нашу работу' }).waitFor();
        await stage.shot(page, `rate-${size}`);
        assert.deepEqual(await faultsOf(page, 'the page of a rating'), []);
      }
      const page = await stage.window({ size: 'phone' });
      await page.goto(`${desk.origin}${link}`);
      await page.getByLabel('4').check();
      await page.getByLabel('Что добавите?').fill('Быстро, спасибо');
      await page.getByRole('button', { name: 'Отправить оценку' }).click();
      await page.getByRole('status').waitFor();
      await stage.shot(page, 'rate-thanks');
      assert.deepEqual(await faultsOf(page, 'thanks for a rating'), []);
      assert.equal((await api.admin('get_ticket', { ticket_id: ticket.id })).ticket.csat.rating, 4);
    } finally {
      await admin.admin('save_settings', { ask_rating: false });
      await forget(world, 'whatsapp');
      await server.close();
    }
  },
};
