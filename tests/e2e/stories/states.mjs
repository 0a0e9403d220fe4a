/** How the desk looks while something is chosen, asked, missing, late or wrong, and in a colour nobody would choose. */
import assert from 'node:assert/strict';
import { Desk } from '../parts/desk.mjs';
import { composer, messageWith } from '../parts/steps.mjs';
import { until } from '../parts/until.mjs';
import { walk } from '../parts/walk.mjs';

/** Popovers stand outside the landmarks by their nature. */
const off = ['region'];
const desktop = [['desktop', 'light'], ['desktop', 'dark']];
const both = [['phone', 'light'], ['phone', 'dark'], ['desktop', 'light']];

const hash = (page, desk, path) => page.goto(`${desk.origin}/tenant.html#/${path}`);
const rows = (page) => page.getByTestId('ticket-row').first().waitFor();

export default {
  async 'what is done to many tickets, or asked before it is done, looks right'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Не печатает счёт-фактура на принтере в бухгалтерии второго этажа');
    await api.admin('add_message', { ticket_id: id, message: 'Проверьте, **включён ли** принтер: `ping printer-2`.\n1. Откройте крышку\n2. Выньте картридж' });
    await api.admin('add_message', { ticket_id: id, message: 'А это уже другой вопрос' });
    const supervisor = await world.as('supervisor');
    await supervisor.admin('delete_ticket', { ticket_id: (await world.ticket('Создана по ошибке')).id });
    const page = await stage.operator('supervisor');
    const away = async (what) => { await page.keyboard.press('Escape'); await page.locator(what).waitFor({ state: 'detached' }); };
    const menu = async (item) => { await page.getByRole('button', { name: 'Другие действия' }).click(); await page.getByRole('menuitem', { name: item }).click(); await page.getByRole('dialog').waitFor(); };
    await walk(stage, page, [
      ['bulk', async () => { await hash(page, desk, 'queue/active'); await rows(page); await page.getByRole('button', { name: 'Выбрать несколько заявок' }).click(); await page.getByTestId('bulk-bar').waitFor(); await page.locator('.pick input').first().check(); }],
      ['merge', async () => { await hash(page, desk, `t/${id}`); await messageWith(page, 'другой вопрос').waitFor(); await menu('Объединить с другой заявкой'); await page.getByRole('radio').first().check(); await page.locator('.preview b').first().waitFor(); }],
      ['split', async () => { await away('.dlg'); await messageWith(page, 'другой вопрос').hover(); await messageWith(page, 'другой вопрос').getByRole('button', { name: 'Действия с сообщением' }).click(); await page.getByRole('menuitem', { name: 'Выделить в новую заявку' }).click(); await page.getByRole('dialog').waitFor(); }],
      ['snooze', async () => { await away('.dlg'); await page.locator('#conversation').focus(); await page.keyboard.press('z'); await page.locator('.pop').waitFor(); }, { off, looks: desktop }],
      ['marks-menu', async () => { await away('.pop'); await page.getByRole('button', { name: 'Оформление' }).click(); await page.getByRole('menu').waitFor(); }, { off, looks: desktop }],
      ['bin', async () => { await away('.menu-pop'); await hash(page, desk, 'bin'); await page.getByTestId('deleted-ticket').first().waitFor(); }],
      ['client-tickets', async () => { await hash(page, desk, 'clients/client.bitrix24.kz'); await page.getByText('Последние заявки').scrollIntoViewIfNeeded(); }],
    ]);
  },

  async 'nothing found, nothing loaded, no connection and a refusal look right'({ world, stage, desk }) {
    const { id } = await world.ticket('Связь пропала');
    stage.allow(/api\//);
    stage.allow(/WebSocket|ERR_INTERNET_DISCONNECTED|Failed to load/);
    const page = await stage.operator('aigerim');
    await walk(stage, page, [
      ['queue-nothing', async () => { await hash(page, desk, 'queue/active'); await rows(page); await page.getByTestId('search').fill('такого слова нет нигде'); await page.getByText('По этим условиям ничего не нашлось').waitFor(); }, { looks: both }],
      ['queue-loading', async () => { await page.route('**/list_tickets', () => undefined); await page.reload(); await page.locator('.bone').first().waitFor(); await page.waitForTimeout(400); }, { looks: both }],
      ['queue-error', async () => { await page.unroute('**/list_tickets'); await page.route('**/list_tickets', (route) => route.fulfill({ status: 500, contentType: 'application/json', body: '{"ok":false,"error":"Внутренняя ошибка. Мы уже знаем о ней.","code":"internal"}' })); await page.reload(); await page.getByText('Мы уже знаем о ней').waitFor(); }, { looks: both }],
      ['ticket-offline', async () => {
        await page.unroute('**/list_tickets');
        await page.reload();
        await hash(page, desk, `t/${id}`);
        await page.getByTestId('message').first().waitFor();
        await page.routeWebSocket(/.*/, () => undefined); // first, or it may be connected again before the next line has run
        await page.context().setOffline(true);
        await composer(page).fill('Ответ, который ждёт связи');
        await page.keyboard.press('Control+Enter');
        await messageWith(page, 'ждёт связи').and(page.locator('[data-state=waiting]')).waitFor();
        await page.getByText('Нет связи с сервером').first().waitFor();
      }, { looks: both }],
    ]);
    await page.context().setOffline(false);
    await until('the answer that waited to leave', async () => (await page.locator('[data-state=waiting]').count()) === 0);
  },

  async 'a desk in #ffe600 stays readable'({ world, stage, desk }) {
    const admin = await world.as('admin');
    const { primary_color } = await admin.admin('get_branding');
    await admin.admin('save_branding', { primary_color: '#ffe600' });
    try {
      const page = await stage.operator('aigerim');
      const { id } = await world.ticket('Жёлтая тема');
      await walk(stage, page, [
        ['harsh-queue', async () => { await hash(page, desk, 'queue/active'); await rows(page); }],
        ['harsh-ticket', async () => { await hash(page, desk, `t/${id}`); await page.getByTestId('message').first().waitFor(); await composer(page).fill('Ответ'); }],
      ]);
    } finally {
      await admin.admin('save_branding', { primary_color });
    }
  },

  async 'two at one ticket, the articles, their editor and a desk without tickets look right'({ world, stage, desk }) {
    const { id } = await world.ticket('Двое смотрят на одну заявку');
    const [one, two] = await Promise.all([stage.operator('aigerim'), stage.operator('marina')]);
    const admin = await stage.operator('admin');
    await hash(two, desk, `t/${id}`);
    await walk(stage, one, [
      ['presence', async () => { await hash(one, desk, `t/${id}`); await one.locator('#conversation').getByText('Тоже смотрит: Марина Ким').waitFor(); }, { looks: both }],
      ['presence-writing', async () => { await composer(two).focus(); await two.keyboard.type('Пишу'); await one.locator('#conversation').getByText('Марина Ким пишет…').waitFor(); }, { looks: desktop }],
    ]);
    await walk(stage, admin, [
      ['kb-list', async () => { await hash(admin, desk, 'kb'); await admin.getByText('Касса не печатает чек').waitFor(); }],
      ['kb-editor', async () => { await admin.getByRole('link', { name: 'Касса не печатает чек' }).click(); await admin.getByLabel('Текст статьи').waitFor(); }],
      ['kb-new', async () => { await hash(admin, desk, 'kb'); await admin.getByRole('link', { name: 'Новая статья' }).click(); await admin.getByRole('button', { name: 'Опубликовать' }).click(); await admin.locator('[aria-invalid=true]').first().waitFor(); }, { looks: both }],
    ]);
    const empty = await Desk.start(world.binary, { demo: false });
    stage.allowOrigin(empty.origin);
    const fresh = await stage.window();
    try {
      await walk(stage, fresh, [
        ['setup', async () => { await fresh.goto(`${empty.origin}/tenant.html#/setup?token=${empty.setupToken}`); await fresh.getByRole('heading', { name: 'Добро пожаловать' }).waitFor(); }, { looks: both }],
        ['setup-done', async () => { for (const [name, value] of [['company_name', 'ТОО «Жаңа бастау»'], ['name', 'Гүлнар Әбенова'], ['email', 'gulnar@bastau.test'], ['password', 'үш сөз бірге жақсы']]) await fresh.locator(`input[name=${name}]`).fill(value); await fresh.getByRole('button', { name: 'Начать работу' }).click(); await fresh.getByText('Подключите почту, и письма станут заявками').waitFor(); }, { looks: both }],
        ['empty-queue', async () => { await fresh.goto(`${empty.origin}/tenant.html#/queue/active`); await fresh.getByTestId('first-steps').waitFor(); }],
        ['empty-clients', async () => { await fresh.goto(`${empty.origin}/tenant.html#/clients`); await fresh.getByRole('heading', { level: 1 }).waitFor(); await fresh.waitForLoadState('networkidle'); }, { looks: both }],
        ['empty-kb', async () => { await fresh.goto(`${empty.origin}/tenant.html#/kb`); await fresh.getByText('Статей пока нет').waitFor(); }, { looks: both }],
        ['empty-analytics', async () => { await fresh.goto(`${empty.origin}/tenant.html#/analytics`); await fresh.locator('svg[role=img]').waitFor(); }, { looks: both }],
        ['empty-automation', async () => { await fresh.goto(`${empty.origin}/tenant.html#/settings/automation`); await fresh.getByText('Журнал срабатываний').waitFor(); }, { looks: both }],
      ]);
      await fresh.goto('about:blank'); // it would go on asking a desk that has stopped
    } finally {
      assert.equal(await empty.stop(), 0);
    }
  },

  async 'choosing, merging and the bin fit in Kazakh on a phone'({ world, stage, desk }) {
    const { id } = await world.ticket('Принтер басып шығармайды, бухгалтерияның екінші қабаты');
    const supervisor = await world.as('supervisor');
    await supervisor.admin('delete_ticket', { ticket_id: (await world.ticket('Қате құрылған')).id });
    const looks = [['phone', 'light'], ['phone', 'dark']];
    const page = await stage.operator('supervisor', { lang: 'kk' });
    await walk(stage, page, [
      ['bulk-kk', async () => { await hash(page, desk, 'queue/active'); await rows(page); await page.getByRole('button', { name: 'Бірнеше өтінімді таңдау' }).click(); await page.locator('.pick input').first().check(); }, { looks }],
      ['ticket-kk', async () => { await hash(page, desk, `t/${id}`); await page.getByTestId('message').first().waitFor(); }, { looks }],
      ['merge-kk', async () => { await page.getByRole('button', { name: 'Басқа әрекеттер' }).click(); await page.getByRole('menuitem', { name: 'Басқа өтініммен біріктіру' }).click(); await page.getByRole('radio').first().check(); }, { looks }],
      ['bin-kk', async () => { await page.keyboard.press('Escape'); await page.locator('.dlg').waitFor({ state: 'detached' }); await hash(page, desk, 'bin'); await page.getByTestId('deleted-ticket').first().waitFor(); }, { looks }],
    ]);
  },
};
