/** What admins and operators see of the channels: their log, an operator's own chat, a client's link, ratings. */
import assert from 'node:assert/strict';
import { botApi } from '../parts/bots.mjs';
import { faultsOf } from '../parts/look.mjs';
import { messageWith, openTicket, toast } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';

const post = (desk, call, update) => fetch(new URL(new URL(call.body.url).pathname + new URL(call.body.url).search, desk.address), {
  method: 'POST', headers: { 'content-type': 'application/json', 'x-telegram-bot-api-secret-token': call.body.secret_token }, body: JSON.stringify(update),
});
const message = (id, chat, text) => ({ update_id: 8000 + id, message: { message_id: id, date: 1772611653, text,
  from: { id: chat, is_bot: false, first_name: 'Данияр', language_code: 'ru' }, chat: { id: chat, first_name: 'Данияр', type: 'private' } } });

/** Runs `story` with a bot that is connected, and leaves none behind. */
async function withBot(world, story) {
  const bot = await botApi();
  const admin = await world.as('admin');
  const channel = await admin.admin('create_channel', { type: 'telegram', name: 'Бот поддержки', config: { bot_token: '123:token', api_base: bot.url, mode: 'webhook' } });
  try {
    const set = await until('the webhook', () => bot.calls('setWebhook')[0]);
    await until('the bot’s name', async () => (await admin.admin('list_bots')).length > 0);
    await story({ bot, set, admin, channel });
  } finally {
    await admin.admin('delete_channel', { channel_id: channel.id });
    await bot.close();
  }
}

export default {
  async 'the log of a channel says what became of a delivery and why, and works on it again'({ world, stage, desk }) {
    await withBot(world, async ({ set, admin }) => {
      // A press on a button that never was is left aside.
      await post(desk, set, message(1, 91, 'Терминал не принимает карты'));
      await post(desk, set, { update_id: 8100, callback_query: { id: 'x', data: 'nonsense', chat_instance: '1', from: { id: 91, is_bot: false, first_name: 'Данияр' }, message: { message_id: 5, date: 0, chat: { id: 91, type: 'private' } } } });
      await until('both to be worked on', async () => (await admin.admin('list_channel_events', { state: 'done' })).events.filter((x) => x.channel === 'telegram').length >= 2);
      const page = await stage.operator('admin');
      await page.goto(`${desk.origin}/tenant.html#/settings/events`);
      const list = page.getByTestId('events');
      await list.getByText('первое сообщение этого человека').first().waitFor();
      await page.getByLabel('Показать').selectOption('ignored');
      const line = list.getByRole('button', { name: /такой кнопки в этом чате не было/ });
      await line.click();
      await list.getByText('button_not_ours').waitFor();
      await stage.shot(page, 'channel-log');
      assert.deepEqual(await faultsOf(page, 'the log of the channels'), []);
      await list.getByRole('button', { name: 'Разобрать заново' }).click();
      await toast(page, 'Разбираем заново').waitFor();
      await page.getByLabel('Показать').selectOption('queued');
      await page.getByTestId('outbox').waitFor();
      assert.deepEqual(await faultsOf(page, 'the outbox'), []);
      const phone = await stage.operator('admin', { size: 'phone', theme: 'dark' });
      await phone.goto(`${desk.origin}/tenant.html#/settings/events`);
      await phone.getByTestId('events').waitFor();
      await stage.shot(phone, 'channel-log-phone');
      assert.deepEqual(await faultsOf(phone, 'the log of the channels on a phone'), []);
      // The message itself says so as well.
      const { tickets } = await admin.admin('list_tickets', { channel: 'telegram', search: 'терминал' });
      await openTicket(page, desk, tickets[0].id);
      const said = messageWith(page, 'Терминал не принимает').first();
      await said.hover();
      await said.getByRole('button', { name: 'Действия с сообщением' }).click();
      await page.getByRole('menuitem', { name: 'Почему сообщение здесь' }).click();
      await page.getByRole('dialog').getByText('первое сообщение этого человека').waitFor();
      assert.deepEqual(await faultsOf(page, 'why a message is here'), []);
    });
  },

  async 'an operator ties their own chat and chooses what is told there'({ world, stage, desk }) {
    await withBot(world, async ({ set, bot }) => {
      const page = await stage.operator('aigerim');
      await page.goto(`${desk.origin}/tenant.html#/settings/notifications`);
      await page.getByRole('button', { name: 'Связать Telegram' }).click();
      const link = await page.getByRole('link', { name: 'Открыть @desk_bot' }).getAttribute('href');
      await stage.shot(page, 'staff-chat-code');
      assert.deepEqual(await faultsOf(page, 'a code for a chat'), []);
      await post(desk, set, message(20, 300, `/start ${new URL(link).searchParams.get('start')}`));
      await page.getByText('Связан чат «Данияр»').waitFor();
      await until('a word in the chat', () => bot.calls('sendMessage').some((call) => call.body.chat_id === 300));
      await page.getByLabel('Заявка назначена мне: В Telegram').selectOption('now');
      await toast(page, 'Сохранено').waitFor();
      await stage.shot(page, 'staff-chat-tied');
      assert.deepEqual(await faultsOf(page, 'notification settings'), []);
      await page.getByRole('button', { name: 'Отвязать' }).click();
      await page.getByRole('button', { name: 'Связать Telegram' }).waitFor();
    });
  },

  async 'a link into a chat is made on a client’s page'({ world, stage, desk }) {
    await withBot(world, async ({ admin }) => {
      const [client] = await admin.admin('list_clients', { limit: 1 });
      const page = await stage.operator('admin');
      await page.goto(`${desk.origin}/tenant.html#/clients/${encodeURIComponent(client.portal_domain)}`);
      await page.locator('form').filter({ hasText: 'Ссылка в чат' }).getByRole('button', { name: 'Создать ссылку' }).click();
      const field = page.getByLabel('Ссылка', { exact: true });
      await field.waitFor();
      assert.match(await field.inputValue(), /^https:\/\/t\.me\/desk_bot\?start=\w+$/);
      await stage.shot(page, 'chat-link');
      assert.deepEqual(await faultsOf(page, 'a link into a chat'), []);
    });
  },
};
