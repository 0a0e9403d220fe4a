/** How what customers see looks in its rarer states: rated, read, empty, missing, late, cut off, in a harsh colour, on a page that is not ours. */
import { until } from '../parts/until.mjs';
import { walk } from '../parts/walk.mjs';
import { shop } from './widget.mjs';

const both = [['phone', 'light'], ['phone', 'dark'], ['desktop', 'light']];

const enter = async (page, desk, token = desk.clientToken) => { await page.goto(`${desk.origin}/index.html?ctoken=${token}`); await page.getByRole('heading', { name: 'Мои заявки' }).waitFor(); };
const hash = (page, desk, path) => page.goto(`${desk.origin}/index.html#/${path}`);

/** A ticket of the demo's client that waits for their verdict. */
async function finished(world) {
  const made = await world.portal.client('create_ticket', { subject: 'Не печатает принтер этикеток на складе', description: 'Печатает пустые этикетки.' });
  const aigerim = await world.as('aigerim');
  await aigerim.admin('add_message', { ticket_id: made.id, message: 'Здравствуйте! Лента была вставлена другой стороной, мы её перевернули.' });
  await aigerim.admin('complete_ticket', { ticket_id: made.id, result: 'Лента вставлена верно, этикетки печатаются.' });
  return made.id;
}

export default {
  async 'rating, the knowledge base, an empty portal and a page that is not there look right'({ world, stage, desk }) {
    stage.allow(/client\.php/);
    stage.allow(/api\/live/);
    const id = await finished(world);
    const admin = await world.as('admin');
    await admin.admin('create_client', { portal_domain: 'empty.guest.test', company_name: 'ТОО «Новый клиент»' });
    const { token } = await admin.admin('create_client_token', { portal_domain: 'empty.guest.test', user_id: 9, user_name: 'Сауле Ахметова' });
    const page = await stage.window();
    await enter(page, desk);
    await walk(stage, page, [
      ['portal-csat', async () => { await hash(page, desk, `ticket/${id}`); await page.getByTestId('csat-submit').waitFor(); await page.getByTestId('csat-4').check(); }],
      ['portal-csat-missing', async () => { await page.reload(); await page.getByTestId('csat-submit').click(); await page.getByText('Выберите оценку от 1 до 5').waitFor(); }, { looks: both }],
      ['portal-kb', async () => { await hash(page, desk, 'kb'); await page.getByRole('link', { name: 'Касса не печатает чек' }).waitFor(); }],
      ['portal-kb-article', async () => { await page.getByRole('link', { name: 'Касса не печатает чек' }).click(); await page.getByRole('heading', { name: '1. Лента' }).waitFor(); }],
      ['portal-kb-nothing', async () => { await hash(page, desk, 'kb'); await page.getByRole('searchbox').fill('йцукенгшщз'); await page.getByText('Ничего не нашлось').waitFor(); }, { looks: both }],
      ['portal-404', async () => { await hash(page, desk, 'ticket/999999'); await page.getByText('Такой заявки нет').waitFor(); }],
      ['portal-nowhere', async () => { await hash(page, desk, 'nowhere'); await page.locator('main h1').waitFor(); }, { looks: both }],
      ['portal-nothing-found', async () => { await hash(page, desk, '?q=йцукенгшщз'); await page.locator('.none').waitFor(); }, { looks: both }],
    ]);
    const fresh = await stage.window();
    await enter(fresh, desk, token);
    await walk(stage, fresh, [['portal-empty', async () => { await fresh.locator('.none').waitFor(); }]]);
  },

  async 'a portal that waits, fails or has no connection looks right'({ world, stage, desk }) {
    stage.allow(/client\.php/);
    stage.allow(/api\/live/);
    stage.allow(/ERR_INTERNET_DISCONNECTED|Failed to load|ERR_FAILED/);
    const made = await world.portal.client('create_ticket', { subject: 'Связь пропала', description: 'Пишу из лифта.' });
    const page = await stage.window();
    await enter(page, desk);
    await walk(stage, page, [
      ['portal-loading', async () => { await page.route('**/list_tickets', () => undefined); await page.reload(); await page.waitForTimeout(900); }, { looks: both }],
      ['portal-error', async () => { await page.unroute('**/list_tickets'); await page.route('**/list_tickets', (route) => route.fulfill({ status: 500, contentType: 'application/json', body: '{"ok":false,"error":"Внутренняя ошибка. Мы уже знаем о ней.","code":"internal"}' })); await page.reload(); await page.getByText('Мы уже знаем о ней').waitFor(); }, { looks: both }],
      ['portal-offline', async () => {
        await page.unroute('**/list_tickets');
        await hash(page, desk, `ticket/${made.id}`);
        await page.getByRole('log').getByText('Пишу из лифта.').waitFor();
        await page.context().setOffline(true);
        await page.getByTestId('reply').fill('Ответ, который ждёт связи');
        await page.getByTestId('submit').click();
        await page.locator('.offline').waitFor();
        await page.getByRole('log').getByText('ждёт связи').waitFor();
      }, { looks: both }],
    ]);
    await page.context().setOffline(false);
  },

  async 'the portal, its frame and the widget in #ffe600 stay readable'({ world, stage, desk }) {
    const id = await finished(world);
    const made = await world.portal.client('create_ticket', { subject: 'Смета в жёлтом', description: 'Сколько стоит?' });
    await world.api.admin('set_estimate', { ticket_id: made.id, hours: 3, cost: 36_000, description: 'Настройка обмена' });
    const admin = await world.as('admin');
    const { primary_color } = await admin.admin('get_branding');
    await admin.admin('save_branding', { primary_color: '#ffe600' });
    try {
      const page = await stage.window();
      await walk(stage, page, [
        ['harsh-enter', async () => { await page.goto(`${desk.origin}/index.html`); await page.getByRole('heading', { level: 1 }).waitFor(); }, { looks: both }],
        ['harsh-login', async () => { await page.goto(`${desk.origin}/tenant.html`); await page.getByTestId('login').waitFor(); }, { looks: both }],
        ['harsh-portal', async () => { await enter(page, desk); await page.getByTestId('portal-ticket').first().waitFor(); }],
        ['harsh-portal-ticket', async () => { await hash(page, desk, `ticket/${made.id}`); await page.getByTestId('approve-estimate').waitFor(); }],
        ['harsh-portal-csat', async () => { await hash(page, desk, `ticket/${id}`); await page.getByTestId('csat-5').check(); }, { looks: both }],
        ['harsh-embed', async () => { await page.goto(`${desk.origin}/embed.html?ctoken=${desk.clientToken}`); await page.getByTestId('portal-ticket').first().waitFor(); }, { looks: both }],
        ['harsh-widget-closed', async () => { await page.goto(`${desk.origin}/widget/demo.html?key=${desk.widgetKey}`); await page.getByTestId('open').waitFor(); }, { looks: both }],
        ['harsh-widget', async () => { await page.getByTestId('open').click(); await page.getByTestId('name').waitFor(); }],
      ]);
    } finally {
      await admin.admin('save_branding', { primary_color });
    }
  },

  async 'on a hostile page the widget looks the same closed, open and sent, on a phone and at a desk, light and dark'({ world, stage, desk }) {
    const address = shop(world, 'ru');
    stage.allowOrigin(world.sites.origin('shop.test'));
    for (const [size, theme] of [['phone', 'light'], ['phone', 'dark'], ['desktop', 'light'], ['desktop', 'dark']]) {
      const page = await stage.window({ size, theme });
      const shot = (name) => stage.shot(page, `hostile-${name}-${size}-${theme}`);
      await page.goto(address);
      const widget = page.locator('tehprof-widget');
      await widget.getByTestId('open').waitFor();
      await shot('closed');
      await widget.getByTestId('open').click();
      await widget.getByTestId('submit').click();
      await shot('asked');
      await widget.getByTestId('name').fill('Динара');
      await widget.getByTestId('email').fill('dinara@visitor.test');
      await widget.getByTestId('text').fill(`Когда привезут заказ? ${size} ${theme}`);
      await shot('open');
      await widget.getByTestId('submit').click();
      await widget.getByRole('log').getByText('Когда привезут заказ?').waitFor();
      await until('the form is empty again', async () => (await widget.getByTestId('message').inputValue()) === '');
      await shot('sent');
    }
    await until('all of it arrived', async () => (await world.api.admin('list_tickets', { search: 'Когда привезут заказ' })).total >= 4);
  },
};
