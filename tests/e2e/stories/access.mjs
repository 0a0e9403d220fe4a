/** The ways in: a key for a program, a second factor, the way back for who forgot the password, an invitation. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Api } from '../parts/api.mjs';
import { toast } from '../parts/steps.mjs';
import { codeOf } from '../parts/totp.mjs';
import { emailOf, password } from '../parts/world.mjs';

/** The link of a mail, as a browser of the story reaches it. */
const linkOf = (desk, mail) => `${desk.origin}${/https?:\/\/[^/\s]+(\/tenant\.html#\/password\?token=\S+)/.exec(mail.text)[1]}`;

async function settings(page, desk, name, heading) {
  await page.goto(`${desk.origin}/tenant.html#/settings/${name}`);
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
}

export default {
  async 'an admin makes a key, a program works with it, and revoking it ends that at once'({ stage, desk }) {
    const page = await stage.operator('admin');
    await settings(page, desk, 'keys', 'Ключи API');
    await stage.shot(page, 'keys');
    await page.getByTestId('key-add').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByTestId('key-submit').click();
    await dialog.locator('input[aria-invalid=true]').waitFor();
    await dialog.getByLabel('Для чего ключ').fill('Отчёты для бухгалтерии');
    await dialog.getByLabel('Срок действия').selectOption('90');
    await stage.shot(page, 'key-form');
    await dialog.getByTestId('key-submit').click();
    await page.getByRole('dialog', { name: 'Ключ готов' }).waitFor();
    const key = await dialog.getByLabel('Ключ', { exact: true }).inputValue();
    assert.match(key, /^tps_[0-9A-Za-z]{32,}$/);
    await stage.shot(page, 'key-made');
    await dialog.getByRole('button', { name: 'Закрыть' }).first().click();

    const program = new Api(desk.address, { 'X-Api-Key': key });
    assert.ok((await program.admin('list_tickets')).total > 0);
    await assert.rejects(program.admin('create_ticket', { subject: 'x', description: 'y' }), { status: 403, code: 'missing_scope' });
    await page.reload();
    const row = page.getByTestId('key-row').filter({ hasText: 'Отчёты для бухгалтерии' });
    await row.getByText('с 127.0.0.1').waitFor();
    assert.ok(!(await page.content()).includes(key), 'the key is not shown again');
    await row.getByRole('button', { name: /^Действия с ключом/ }).click();
    await page.getByRole('menuitem', { name: 'Отозвать' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Отозвать' }).click();
    await toast(page, 'Ключ отозван').waitFor();
    await row.waitFor({ state: 'detached' });
    await assert.rejects(program.admin('list_tickets'), { status: 403, code: 'invalid_credential' });
  },

  async 'two-factor sign-in is set up from the picture’s secret and asked for at the next sign-in, by app or by recovery code'({ world, stage, desk }) {
    const page = await stage.operator('erlan', { session: world.signIn('erlan') });
    stage.allow(/admin_login$/);
    stage.allow(/totp_enable$/);
    stage.allow(/api\/live/);
    await settings(page, desk, 'security', 'Безопасность');
    await page.getByText('Этот сеанс').waitFor();
    await stage.shot(page, 'security');
    await page.getByTestId('totp-setup').click();
    await page.getByRole('img', { name: 'QR-код' }).waitFor();
    const secret = await page.getByLabel('Не сканируется?').inputValue();
    await stage.shot(page, 'totp-setup');
    await page.getByTestId('totp').fill('000000');
    await page.getByTestId('totp').and(page.locator('[aria-invalid=true]')).waitFor();
    // The code before this one, so that those of the sign-ins below are news.
    await page.getByTestId('totp').fill(codeOf(secret, -1));
    const codes = page.getByTestId('recovery-codes').locator('li');
    await codes.nth(9).waitFor();
    const [spare] = await codes.allTextContents();
    await stage.shot(page, 'totp-recovery');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Сохранить', exact: true }).click()]);
    assert.ok((await readFile(await download.path(), 'utf8')).includes(spare));
    await page.getByRole('button', { name: 'Я сохранил коды' }).click();
    await page.getByText('Включён', { exact: true }).waitFor();

    const enter = async () => {
      const other = await stage.window();
      await other.goto(`${desk.origin}/tenant.html`);
      await other.getByTestId('login').fill(emailOf('erlan'));
      await other.getByTestId('password').fill(password);
      await other.getByTestId('login-submit').click();
      await other.getByTestId('totp').waitFor();
      return other;
    };
    const app = await enter();
    await stage.shot(app, 'login-code');
    const digits = codeOf(secret);
    await app.getByTestId('totp').fill(`${digits.slice(0, 3)} ${digits.slice(3)}`); // as it is pasted; it goes off by itself
    await app.getByTestId('ticket-row').first().waitFor();

    const lost = await enter();
    await lost.getByRole('button', { name: 'Нет доступа к приложению' }).click();
    await lost.getByTestId('totp').fill('aaaa-bbbb-cccc-dddd');
    await lost.getByTestId('login-submit').click();
    await lost.getByTestId('totp').and(lost.locator('[aria-invalid=true]')).waitFor();
    await lost.getByTestId('totp').fill(spare);
    await lost.getByTestId('login-submit').click();
    await lost.getByTestId('ticket-row').first().waitFor();

    // The other windows are ended from the first.
    await page.reload();
    const rows = page.locator('section', { hasText: 'Браузеры, в которых вы вошли' }).locator('li');
    await rows.nth(2).waitFor();
    await rows.getByRole('button', { name: /^Завершить сеанс/ }).first().click();
    await toast(page, 'Сеанс завершён').waitFor();
    await page.getByRole('button', { name: 'Отключить' }).click();
    await page.getByRole('dialog').getByLabel('Пароль').fill(password);
    await page.getByRole('dialog').getByRole('button', { name: 'Отключить' }).click();
    await page.getByText('Выключен', { exact: true }).waitFor();
  },

  async 'a forgotten password is set by the link of a mail that really comes'({ world, stage, desk }) {
    const page = await stage.window();
    await page.goto(`${desk.origin}/tenant.html`);
    await page.getByRole('link', { name: 'Не помню пароль' }).click();
    await page.getByTestId('login').fill(emailOf('marina').toUpperCase());
    await stage.shot(page, 'forgot');
    await page.getByTestId('forgot-submit').click();
    await page.getByText('письмо со ссылкой уже в пути').waitFor();
    await stage.shot(page, 'forgot-sent');
    const mail = await world.sink.take('the link', (x) => x.to.includes(emailOf('marina')) && x.text.includes('token='));
    assert.equal(mail.from, '');
    await page.goto(linkOf(desk, mail));
    await page.getByLabel('Новый пароль').fill('новый долгий пароль');
    await page.getByLabel('Ещё раз').fill('новый долгий пароль');
    await page.getByRole('button', { name: 'Сохранить и войти' }).click();
    await page.getByTestId('ticket-row').first().waitFor();
    assert.ok(!page.url().includes('token='));
    await assert.rejects(Api.signIn(desk.address, emailOf('marina'), password), { code: 'login_failed' });
    const back = await Api.signIn(desk.address, emailOf('marina'), 'новый долгий пароль');
    await back.admin('change_password', { password: 'новый долгий пароль', new_password: password });
  },

  async 'an invitation is mailed, taken up once, and the newcomer is given a role and taken off again'({ world, stage, desk }) {
    const page = await stage.operator('admin');
    await settings(page, desk, 'operators', 'Сотрудники');
    await page.getByRole('button', { name: 'Пригласить сотрудника' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Имя и фамилия').fill('Данияр Омаров');
    await dialog.getByLabel('Почта').fill('daniyar@desk.test');
    await dialog.getByRole('button', { name: 'Создать приглашение' }).click();
    await dialog.getByText('Приглашение отправлено на daniyar@desk.test').waitFor();
    await stage.shot(page, 'invitation');
    await dialog.getByRole('button', { name: 'Закрыть' }).first().click();

    const mail = await world.sink.take('the invitation', (x) => x.to.includes('daniyar@desk.test'));
    assert.match(mail.text, /приглашает вас/);
    const newcomer = await stage.window();
    // Whoever is taken off loses the session with the desk open.
    stage.allow(/api\/admin\.php\//);
    stage.allow(/WebSocket/);
    await newcomer.goto(linkOf(desk, mail));
    await newcomer.getByLabel('Новый пароль').fill('пароль для Данияра');
    await newcomer.getByLabel('Ещё раз').fill('пароль для Данияра');
    await newcomer.getByRole('button', { name: 'Сохранить и войти' }).click();
    await newcomer.getByTestId('ticket-row').first().waitFor();

    const row = page.getByTestId('operator-row').filter({ hasText: 'Данияр Омаров' });
    const choose = async (item) => {
      await row.getByRole('button', { name: /^Действия/ }).click();
      await page.getByRole('menuitem', { name: item }).click();
    };
    await choose('Запретить правку заявок');
    await row.getByText('Без правки').waitFor();
    await choose('Изменить роль');
    await page.getByRole('dialog').getByLabel('Роль').selectOption('supervisor');
    await page.getByRole('dialog').getByRole('button', { name: 'Сохранить' }).click();
    await row.getByText('Старший оператор').waitFor();
    await stage.shot(page, 'operators');
    await choose('Удалить сотрудника');
    await stage.shot(page, 'operator-remove');
    await page.getByRole('dialog').getByRole('button', { name: 'Удалить' }).click();
    await toast(page, 'Сотрудник удалён').waitFor();
    await row.getByText('Отключён').waitFor();
    await assert.rejects(Api.signIn(desk.address, 'daniyar@desk.test', 'пароль для Данияра'), { code: 'login_failed' });
  },
};
