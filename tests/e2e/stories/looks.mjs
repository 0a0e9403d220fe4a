/** How every page looks: each is brought into its state once and then examined in all sizes, light and dark. */
import { composer, messageWith } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';
import { walk } from '../parts/walk.mjs';
import { mailbox } from '../parts/world.mjs';
import { compose, deliver } from '../parts/post.mjs';
import { refusedDomain } from '../parts/sink.mjs';

/** Popovers stand outside the landmarks by their nature. */
const floating = ['region'];

/** A ticket with everything a conversation can hold: many messages, a note, files, a mail in HTML, an answer that failed. */
async function longTicket({ api, desk, world }) {
  const from = `lost@${refusedDomain}`;
  const subject = 'Длинная переписка о переносе базы на новый сервер, с вложениями и письмами';
  await deliver(desk.smtpPort, compose({
    from, name: 'Константин Константинопольский-Задунайский', to: mailbox, subject, text: 'Добрый день! Перенесите базу.',
    html: '<p>Добрый день!</p><table border="1" width="900"><tr><th>Сервер</th><th>Диск</th></tr><tr><td>srv-1c-очень-длинное-имя-сервера-без-переносов-для-проверки</td><td>2 ТБ</td></tr></table>',
    attachments: [{ name: 'схема серверной с очень длинным названием файла.txt', type: 'text/plain', bytes: Buffer.from('схема') }],
  }));
  const { id } = await until('the ticket', async () => (await api.admin('list_tickets', { search: 'Длинная переписка' })).tickets.find((x) => x.subject === subject));
  const marina = await world.as('marina');
  for (let i = 1; i <= 8; i += 1) await marina.admin('add_message', { ticket_id: id, message: `Шаг ${i}. Проверяем копию базы. https://example.test/${'a'.repeat(90)}`, is_note: i % 4 === 0 });
  for (const tag of ['VIP', 'сервер', '1С']) await marina.admin('add_ticket_tag', { ticket_id: id, name: tag });
  await marina.admin('update_ticket', { ticket_id: id, priority: 'urgent' });
  await until('the failure', async () => (await api.messages(id)).some((x) => x.delivery_status === 'failed'));
  return id;
}

const at = (desk, hash, ready) => async (page) => {
  await page.goto(`${desk.origin}/tenant.html#/${hash}`);
  await ready(page);
};
const heading = (name) => (page) => page.getByRole('heading', { name, level: 1 }).waitFor();

export default {
  async 'sign-in and queue look right in every size, light and dark'({ stage, desk }) {
    const stranger = await stage.window();
    await walk(stage, stranger, [['login', at(desk, '', (page) => page.getByTestId('login').waitFor())]]);
    const page = await stage.operator('aigerim');
    await walk(stage, page, [
      ['queue', at(desk, 'queue/active', () => page.getByTestId('ticket-row').first().waitFor())],
      ['filters', async () => { await page.getByRole('button', { name: 'Фильтры' }).click(); await page.getByLabel('Приоритет', { exact: true }).waitFor(); }],
    ]);
  },

  async 'a long ticket with a note and a failed answer looks right, with its pickers and dialogs'(scene) {
    const { stage, desk } = scene;
    const id = await longTicket(scene);
    const page = await stage.operator('aigerim');
    const key = async (name, ready) => { await page.locator('#conversation').focus(); await page.keyboard.press(name); await ready(); };
    const away = async (what) => { await page.keyboard.press('Escape'); await page.locator(what).waitFor({ state: 'detached' }); };
    await walk(stage, page, [
      ['ticket', at(desk, `t/${id}`, () => messageWith(page, 'Не доставлено').first().waitFor())],
      ['note', async () => { await page.getByTestId('note-toggle').click(); await composer(page).fill('Заметка в работе'); }],
      ['assign', () => key('a', () => page.locator('.pop').waitFor()), { off: floating, looks: [['desktop', 'light'], ['desktop', 'dark']] }],
      ['complete', async () => { await away('.pop'); await key('e', () => page.getByRole('dialog').waitFor()); }],
      ['history', async () => { await away('.dlg'); await page.getByRole('button', { name: 'История изменений' }).click(); await page.locator('#conversation ol, #conversation ul').first().waitFor(); }],
    ]);
  },

  async 'the new ticket, the palette and the help look right'({ stage, desk }) {
    const page = await stage.operator('aigerim');
    const open = (key, ready) => async () => {
      await page.goto(`${desk.origin}/tenant.html#/queue/active`);
      await page.reload();
      await page.getByTestId('ticket-row').first().waitFor();
      await page.keyboard.press(key);
      await ready();
    };
    const dialog = () => page.getByRole('dialog').waitFor();
    await walk(stage, page, [['new', open('c', dialog)], ['palette', open('Control+k', dialog)], ['help', open('Shift+Slash', dialog)]]);
  },

  async 'clients, figures and one’s own settings look right'({ stage, desk }) {
    const page = await stage.operator('admin');
    await walk(stage, page, [
      ['clients', at(desk, 'clients', heading('Клиенты'))],
      ['client', at(desk, 'clients/client.bitrix24.kz', () => page.getByText('Данные клиента').waitFor())],
      ['dashboard', at(desk, 'dashboard', () => page.getByText('По клиентам').waitFor())],
      ['analytics', at(desk, 'analytics', () => page.getByText('Показать таблицей').waitFor())],
      ['wallboard', at(desk, 'wallboard', () => page.getByTestId('wallboard').waitFor())],
      ['settings-index', at(desk, 'settings', (page) => page.getByRole('link', { name: 'Быстрые ответы' }).waitFor())],
      ['profile', at(desk, 'settings/profile', heading('Профиль'))],
      ['security', at(desk, 'settings/security', () => page.getByText('Этот сеанс').waitFor())],
      ['keys', at(desk, 'settings/keys', () => page.getByTestId('key-row').first().waitFor())],
      ['replies', at(desk, 'settings/replies', heading('Быстрые ответы'))],
      ['notifications', at(desk, 'settings/notifications', heading('Уведомления'))],
    ]);
  },

  async 'rules, terms and words that an admin sets look right'({ stage, desk }) {
    const page = await stage.operator('admin');
    await walk(stage, page, [
      ['macros', at(desk, 'settings/macros', () => page.getByText('Передать на вторую линию').waitFor())],
      ['automation', at(desk, 'settings/automation', () => page.getByText('Срочные — свободному сотруднику').first().waitFor())],
      ['rule-form', async () => { await page.goto('about:blank'); await at(desk, 'settings/automation', heading('Автоматизация'))(page); await page.getByRole('button', { name: 'Новое правило' }).click(); await page.getByRole('dialog').waitFor(); }],
      ['webhooks', at(desk, 'settings/webhooks', () => page.getByText('hooks.example.org').first().waitFor())],
      ['categories', at(desk, 'settings/categories', () => page.getByText('telephony').waitFor())],
      ['tags', at(desk, 'settings/tags', heading('Метки'))],
      ['hours', at(desk, 'settings/hours', () => page.getByRole('group', { name: 'Понедельник' }).waitFor())],
      ['sla', at(desk, 'settings/sla', () => page.getByRole('row', { name: /Срочный/ }).waitFor())],
      ['tariffs', at(desk, 'settings/tariffs', () => page.getByText('premium').waitFor())],
      ['tariff-form', async () => { await page.getByRole('button', { name: 'Изменить тариф «Премиум»' }).click(); await page.getByRole('dialog').waitFor(); }],
    ]);
  },

  async 'channels, staff and the widget’s settings look right'({ stage, desk }) {
    const page = await stage.operator('admin');
    await walk(stage, page, [
      ['channels', at(desk, 'settings/channels', () => page.getByText('Служба поддержки').first().waitFor())],
      ['operators', at(desk, 'settings/operators', () => page.getByText('aliya@demo.tehprof.kz').waitFor())],
      ['widget-settings', at(desk, 'settings/widget', () => page.getByText('Код для вставки').waitFor())],
      ['channel-form', async () => { await page.goto('about:blank'); await at(desk, 'settings/channels', heading('Каналы'))(page); await page.getByRole('button', { name: 'Добавить канал' }).click(); await page.getByRole('dialog').getByRole('button', { name: 'Почта' }).click(); await page.getByRole('dialog').getByLabel('Адрес поддержки').waitFor(); }],
      ['channel-choice', async () => { await page.goto('about:blank'); await at(desk, 'settings/channels', heading('Каналы'))(page); await page.getByRole('button', { name: 'Добавить канал' }).click(); await page.getByRole('dialog').waitFor(); }],
      ['messenger-form', async () => { await page.goto('about:blank'); await at(desk, 'settings/channels', heading('Каналы'))(page); await page.getByRole('button', { name: 'Добавить канал' }).click(); await page.getByRole('dialog').getByRole('button', { name: 'MAX' }).click(); await page.getByRole('dialog').getByLabel('Токен бота').waitFor(); }],
    ]);
  },

  async 'the portal, its frame and the sign-in by link look right'({ stage, desk, world }) {
    const stranger = await stage.window();
    await walk(stage, stranger, [['portal-enter', async (page) => { await page.goto(`${desk.origin}/index.html`); await page.getByRole('heading', { level: 1 }).waitFor(); }]]);
    const made = await world.portal.client('create_ticket', { subject: 'Смета на перенос почты и календарей на новый сервер', description: 'Сколько это займёт?' });
    await world.api.admin('set_estimate', { ticket_id: made.id, hours: 12, cost: 144_000, description: 'Перенос, проверка, обучение сотрудников' });
    const page = await stage.window();
    const ticket = async () => { await page.goto(`${desk.origin}/index.html#/ticket/${made.id}`); await page.getByTestId('approve-estimate').waitFor(); };
    await walk(stage, page, [
      ['portal', async () => { await page.goto(`${desk.origin}/index.html?ctoken=${desk.clientToken}`); await page.getByTestId('portal-ticket').first().waitFor(); }],
      ['portal-ticket', ticket],
      ['portal-approve', async () => { await ticket(); await page.getByTestId('approve-estimate').click(); await page.locator('dialog[open]').waitFor(); }],
      ['portal-new', async () => { await page.goto(`${desk.origin}/index.html#/new`); await page.reload(); await page.getByTestId('subject').waitFor(); }],
      ['embed', async () => { await page.goto(`${desk.origin}/embed.html?ctoken=${desk.clientToken}`); await page.getByTestId('portal-ticket').first().waitFor(); }],
    ]);
  },

  async 'the open widget and the reference look right'({ stage, desk }) {
    const page = await stage.window();
    await walk(stage, page, [
      ['widget', async () => { await page.goto(`${desk.origin}/widget/demo.html?key=${desk.widgetKey}`); await page.getByTestId('open').click(); await page.getByTestId('name').waitFor(); }],
      ['reference', async () => { await page.goto(`${desk.origin}/docs.html`); await page.locator('main h2').first().waitFor(); }],
      ['action', async () => { await page.goto(`${desk.origin}/docs.html#/admin/create_ticket`); await page.getByRole('heading', { name: 'create_ticket', level: 1 }).waitFor(); }],
    ]);
  },

  async 'the main pages fit in Kazakh and English too'({ stage, desk, world, api }) {
    const { id } = (await api.admin('list_tickets', { status: 'in_progress', portal_domain: 'nurly-dent.bitrix24.kz' })).tickets[0];
    for (const lang of ['kk', 'en']) {
      const looks = [['phone', 'dark'], ['desktop', 'light']];
      const page = await stage.operator('aigerim', { lang });
      const visitor = await stage.window({ lang });
      const stranger = await stage.window({ lang });
      const { tickets } = await world.portal.client('list_tickets', { status: 'active' });
      const settled = async (where) => until(`the page speaks ${lang}`, () => where.evaluate((wanted) => document.documentElement.lang === wanted, lang));
      await walk(stage, stranger, [[`login-${lang}`, at(desk, '', () => stranger.getByTestId('login').waitFor()), { looks }]]);
      await walk(stage, page, [
        [`queue-${lang}`, async () => { await at(desk, 'queue/active', () => page.getByTestId('ticket-row').first().waitFor())(page); await settled(page); }, { looks }],
        [`ticket-${lang}`, at(desk, `t/${id}`, () => page.getByTestId('message').first().waitFor()), { looks }],
        [`dashboard-${lang}`, at(desk, 'dashboard', () => page.locator('table').waitFor()), { looks }],
        [`analytics-${lang}`, at(desk, 'analytics', () => page.locator('svg[role=img]').waitFor()), { looks }],
        [`settings-${lang}`, at(desk, 'settings', () => page.getByRole('heading', { level: 1 }).first().waitFor()), { looks }],
        [`profile-${lang}`, at(desk, 'settings/profile', () => page.getByRole('heading', { level: 1 }).waitFor()), { looks }],
      ]);
      await walk(stage, visitor, [
        [`portal-${lang}`, async () => { await visitor.goto(`${desk.origin}/index.html?ctoken=${desk.clientToken}`); await visitor.getByTestId('portal-ticket').first().waitFor(); }, { looks }],
        [`portal-ticket-${lang}`, async () => { await visitor.goto(`${desk.origin}/index.html#/ticket/${tickets[0].id}`); await visitor.getByTestId('reply').waitFor(); }, { looks }],
        [`portal-new-${lang}`, async () => { await visitor.goto(`${desk.origin}/index.html#/new`); await visitor.getByTestId('subject').waitFor(); }, { looks }],
        [`reference-${lang}`, async () => { await visitor.goto(`${desk.origin}/docs.html`); await visitor.locator('main h2').first().waitFor(); }, { looks }],
      ]);
    }
  },
};
