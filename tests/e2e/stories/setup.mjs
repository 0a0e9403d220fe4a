/** The first start of an empty desk: from the link in the terminal to a queue that says what to do next. */
import assert from 'node:assert/strict';
import { Desk } from '../parts/desk.mjs';

export default {
  async 'the link of a first start makes the company and its admin, works once, and leads to a queue that teaches'({ world, stage }) {
    const desk = await Desk.start(world.binary, { demo: false });
    try {
      stage.allowOrigin(desk.origin);
      const token = desk.setupToken;
      stage.allow(/complete_setup$/);
      const page = await stage.window();
      await page.goto(`${desk.origin}/tenant.html`);
      await page.getByText('Система ещё не настроена').waitFor();

      await page.goto(`${desk.origin}/tenant.html#/setup?token=${token}`);
      await page.getByRole('heading', { name: 'Добро пожаловать' }).waitFor();
      await page.getByRole('button', { name: 'Начать работу' }).click();
      assert.equal(await page.locator('input[name=company_name]').getAttribute('aria-invalid'), 'true', 'an empty form is told so');
      await page.locator('input[name=company_name]').fill('ТОО «Жаңа бастау»');
      await page.locator('input[name=name]').fill('Гүлнар Әбенова');
      await page.locator('input[name=email]').fill('gulnar@bastau.test');
      await page.locator('input[name=password]').fill('қысқа');
      await page.getByRole('button', { name: 'Начать работу' }).click();
      await page.locator('input[name=password][aria-invalid=true]').waitFor();
      await page.locator('input[name=password]').fill('үш сөз бірге жақсы');
      await page.getByRole('button', { name: 'Начать работу' }).click();

      await page.getByText('Подключите почту, и письма станут заявками').waitFor();
      assert.ok(!page.url().includes(token), 'the link is out of the address');
      await stage.shot(page, 'setup-channels');
      await page.getByRole('link', { name: 'Заявки', exact: true }).click();
      const empty = page.getByTestId('first-steps');
      await empty.waitFor();
      await stage.shot(page, 'setup-queue');
      for (const step of ['Подключить почту', 'Поставить виджет на сайт']) await empty.getByRole('link', { name: step }).waitFor();
      await empty.getByRole('button', { name: 'Новая заявка' }).click();
      await page.getByRole('dialog').getByLabel('Тема').fill('Первая заявка');
      await page.getByRole('dialog').getByLabel('Описание').fill('Проверяем, как это работает.');
      await page.getByRole('dialog').getByRole('button', { name: 'Создать заявку' }).click();
      await page.getByTestId('message').filter({ hasText: 'Проверяем, как это работает.' }).waitFor();
      await empty.waitFor({ state: 'detached' });

      const second = await stage.window();
      await second.goto(`${desk.origin}/tenant.html#/setup?token=${token}`);
      for (const [name, value] of [['company_name', 'Чужая'], ['name', 'Чужой'], ['email', 'x@y.test'], ['password', 'долгий пароль']]) await second.locator(`input[name=${name}]`).fill(value);
      await second.getByRole('button', { name: 'Начать работу' }).click();
      await second.getByRole('alert').waitFor();
      assert.deepEqual(desk.faults, []);
      for (const window of [page, second]) await window.goto('about:blank'); // they would go on asking a desk that has stopped
    } finally {
      assert.equal(await desk.stop(), 0, 'the second desk stops when told to');
    }
  },
};
