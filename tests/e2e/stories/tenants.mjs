/** What an admin sets up for the company, and what the head of the installation decides of all companies: on a desk that has just been made. */
import assert from 'node:assert/strict';
import { Desk } from '../parts/desk.mjs';
import { walk } from '../parts/walk.mjs';

const password = 'үш сөз бірге жақсы';

/** A desk of its own, with the one who made it: they look after the whole installation. */
async function made(world, stage) {
  const desk = await Desk.start(world.binary, { demo: false });
  stage.allowOrigin(desk.origin);
  const call = async (action, fields, cookie = '') => {
    const answer = await fetch(`${desk.address}/api/admin.php/${action}`, { method: 'POST', headers: { 'content-type': 'application/json', cookie }, body: JSON.stringify(fields) });
    const body = await answer.json();
    assert.ok(body.ok, `${action}: ${JSON.stringify(body)}`);
    return { data: body.data, cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? cookie };
  };
  const { cookie } = await call('complete_setup', { token: desk.setupToken, company_name: 'ТОО «Жаңа бастау»', name: 'Гүлнар Әбенова', email: 'gulnar@bastau.test', password, locale: 'ru' });
  const page = await stage.window();
  const [name, ...value] = cookie.split('=');
  await page.context().addCookies([{ name, value: value.join('='), url: desk.origin, httpOnly: true, sameSite: 'Lax' }]);
  return { desk, page, admin: async (action, fields = {}) => (await call(action, fields, cookie)).data };
}

const at = (desk, hash, heading) => async (page) => {
  await page.goto(`${desk.origin}/tenant.html#/${hash}`);
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
  await page.locator('.card').first().waitFor();
};

export default {
  async 'an admin names the company, chooses its looks, and sees what the plan allows and who changed what'({ world, stage }) {
    const { desk, page, admin } = await made(world, stage);
    try {
      await at(desk, 'settings/company', 'Компания')(page);
      stage.allow(/save_settings$/);
      await page.getByLabel('Закрывать решённые через, дней').fill('400');
      await page.getByRole('button', { name: 'Сохранить' }).click();
      await page.getByText('от 0 до 365').waitFor();
      await page.getByLabel('Закрывать решённые через, дней').fill('3');
      await page.getByLabel('Часовой пояс').fill('Europe/Moscow');
      await page.getByLabel('Организация').fill('ТОО «Жаңа жол»');
      await page.getByRole('button', { name: 'Сохранить' }).click();
      await page.getByText('Сохранено').waitFor();
      const settings = await admin('get_settings');
      assert.deepEqual([settings.company_name, settings.timezone, settings.auto_close_days], ['ТОО «Жаңа жол»', 'Europe/Moscow', 3]);
      await page.getByRole('button', { name: 'Подготовить файл' }).click();
      const fetched = page.waitForEvent('download');
      await page.getByRole('link', { name: /^Скачать/ }).click();
      assert.match((await fetched).suggestedFilename(), /^tenant-1-.*\.tehprof$/);

      await at(desk, 'settings/branding', 'Оформление')(page);
      await page.getByRole('textbox', { name: 'Основной цвет', exact: true }).fill('#ffe600');
      await page.getByLabel('Приветствие на портале').fill('Рады помочь с любым вопросом');
      await page.getByText('На светлом фоне цвет ссылок не прочесть').waitFor();
      await page.locator('input[type=file]').first().setInputFiles({ name: 'logo.png', mimeType: 'image/png', buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64') });
      await Promise.all([page.waitForResponse((answer) => answer.url().endsWith('/save_branding') && answer.ok()), page.getByRole('button', { name: 'Сохранить' }).click()]);
      assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--on-brand').trim()), '#000000', 'text on a bright colour is dark');

      // The client's portal wears it.
      await admin('create_client', { portal_domain: 'client.test', company_name: 'Клиент' });
      const { token } = await admin('create_client_token', { portal_domain: 'client.test', user_id: 7, user_name: 'Иван' });
      const portal = await stage.window();
      await portal.goto(`${desk.origin}/index.html?ctoken=${token}`);
      await portal.getByText('Рады помочь с любым вопросом').waitFor();
      await portal.getByText('Работает на tehprof').waitFor();
      assert.ok(await portal.locator('header img').evaluate((image) => image.complete && image.naturalWidth > 0), 'the logo is shown');
      await stage.shot(portal, 'branding-portal');

      await walk(stage, page, [
        ['settings-company', at(desk, 'settings/company', 'Компания')],
        ['settings-branding', at(desk, 'settings/branding', 'Оформление')],
        ['settings-plan', at(desk, 'settings/plan', 'Тариф')],
        ['settings-audit', at(desk, 'settings/audit', 'Журнал действий')],
        ['settings-demo', at(desk, 'settings/demo', 'Демо-данные')],
      ]);
      await page.setViewportSize({ width: 1440, height: 900 });
      await at(desk, 'settings/audit', 'Журнал действий')(page);
      await page.getByText('Сохранить оформление').first().waitFor();
      assert.deepEqual(desk.faults, []);
    } finally {
      assert.equal(await desk.stop(), 0);
    }
  },

  async 'demo data comes by one button and goes by another'({ world, stage }) {
    const { desk, page, admin } = await made(world, stage);
    try {
      await at(desk, 'settings/demo', 'Демо-данные')(page);
      await page.getByRole('button', { name: 'Добавить демо-данные' }).click();
      await page.getByText('Демо-данные добавлены').first().waitFor();
      await stage.shot(page, 'demo-on');
      assert.ok((await admin('list_tickets', { status: 'all' })).total > 150);
      await page.getByRole('button', { name: 'Удалить демо-данные' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Удалить демо-данные' }).click();
      await page.getByText('Демо-данные удалены').waitFor();
      assert.equal((await admin('list_tickets', { status: 'all' })).total, 0);
      assert.deepEqual(desk.faults, []);
    } finally {
      assert.equal(await desk.stop(), 0);
    }
  },

  async 'the head of the installation makes a company, bounds it and switches it off'({ world, stage }) {
    const { desk, page, admin } = await made(world, stage);
    try {
      await at(desk, 'head', 'Компании')(page);
      await page.getByTestId('head-bar').waitFor();
      await page.getByRole('button', { name: 'Новая компания' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Организация').fill('ИП «Сосед»');
      await dialog.getByLabel('Почта администратора').fill('admin@sosed.test');
      await dialog.getByRole('button', { name: 'Создать' }).click();
      await dialog.getByLabel('Ссылка-приглашение').waitFor();
      await dialog.getByRole('button', { name: 'Закрыть' }).first().click();
      const row = page.getByTestId('tenant').filter({ hasText: 'ИП «Сосед»' });
      await row.getByRole('button', { name: /Изменить/ }).click();
      stage.allow(/update_tenant$/);
      await dialog.getByLabel('Заявок в месяц').fill('много');
      await dialog.getByRole('button', { name: 'Сохранить' }).click();
      await dialog.locator('[aria-invalid=true]').waitFor();
      await dialog.getByLabel('Заявок в месяц').fill('5');
      await dialog.getByLabel('Клиентов').fill('∞');
      await stage.shot(page, 'head-limits');
      await dialog.getByLabel('Компания работает').uncheck();
      await dialog.getByRole('button', { name: 'Сохранить' }).click();
      await row.getByText('отключена').waitFor();
      const [, sosed] = await admin('list_tenants');
      assert.deepEqual([sosed.is_active, sosed.limits.tickets_per_month, sosed.overrides.clients], [false, 5, 'unlimited']);
      await walk(stage, page, [
        ['head-tenants', at(desk, 'head/tenants', 'Компании')],
        ['head-health', at(desk, 'head/health', 'Состояние')],
        ['head-errors', at(desk, 'head/errors', 'Журнал ошибок')],
        ['head-demos', at(desk, 'head/demos', 'Демо-режимы')],
      ]);
      assert.deepEqual(desk.faults, []);
    } finally {
      assert.equal(await desk.stop(), 0);
    }
  },
};
