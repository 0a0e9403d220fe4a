/** The knowledge base: written at the desk, found on the portal, on its own pages and in the widget, linked to in a reply. */
import assert from 'node:assert/strict';
import { faultsOf } from '../parts/look.mjs';
import { until } from '../parts/until.mjs';

export default {
  async 'an admin writes an article with its marks, publishes it, and everybody reads it'({ stage, desk }) {
    const page = await stage.operator('admin');
    await page.goto(`${desk.origin}/tenant.html#/kb`);
    await page.getByText('Касса не печатает чек').waitFor();
    await stage.shot(page, 'kb-list');
    assert.deepEqual(await faultsOf(page, 'kb'), []);
    await page.getByRole('link', { name: 'Новая статья' }).click();
    await page.getByRole('button', { name: 'Опубликовать' }).click();
    assert.equal(await page.getByLabel('Заголовок', { exact: true }).first().getAttribute('aria-invalid'), 'true');
    await page.getByLabel('Заголовок', { exact: true }).first().fill('Как подключить сканер');
    const text = page.getByLabel('Текст статьи');
    await text.fill('Выберите порт');
    await text.selectText();
    await page.getByRole('button', { name: 'Полужирный' }).click();
    assert.equal(await text.inputValue(), '**Выберите порт**');
    const preview = page.getByRole('region', { name: 'Предпросмотр' });
    await preview.locator('strong', { hasText: 'Выберите порт' }).waitFor();
    await page.getByRole('button', { name: 'Опубликовать' }).click();
    await page.getByText('Статья опубликована').waitFor();
    await stage.shot(page, 'kb-editor');
    assert.deepEqual(await faultsOf(page, 'kb editor'), []);
    assert.equal(await page.getByLabel('Адрес статьи').inputValue(), 'kak-podklyuchit-skaner');

    const reader = await stage.window();
    await reader.goto(`${desk.origin}/kb/ru/kak-podklyuchit-skaner`);
    await reader.getByRole('heading', { name: 'Как подключить сканер' }).waitFor();
    assert.match(await reader.title(), /^Как подключить сканер — /);
    assert.deepEqual(await faultsOf(reader, 'public article'), []);
    await page.getByRole('button', { name: 'Снять с публикации' }).click();
    await page.getByText('Статья снята с публикации').waitFor();
    stage.allow(/kb\/ru\/kak-podklyuchit-skaner/);
    await reader.reload();
    await reader.getByText('Такой статьи нет').waitFor();
  },

  async 'the public pages are whole on a phone, in three languages, and their search finds'({ stage, desk }) {
    for (const [lang, words, title] of [['ru', 'чек', 'Касса не печатает чек'], ['kk', 'чек', 'Касса чек шығармайды'], ['en', 'receipt', 'The till prints no receipt']]) {
      const page = await stage.window({ size: 'phone', theme: 'dark', lang });
      await page.goto(`${desk.origin}/kb/${lang}/`);
      await page.getByRole('searchbox').fill(words);
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: title }).click();
      await page.getByRole('heading', { name: title }).waitFor();
      assert.deepEqual(await faultsOf(page, `public ${lang}`), []);
      await stage.shot(page, `kb-public-${lang}`);
    }
  },

  async 'a client finds an answer while writing, and loses nothing by reading it'({ stage, desk }) {
    const page = await stage.window({ size: 'phone' });
    await page.goto(`${desk.origin}/index.html?ctoken=${desk.clientToken}`);
    await page.getByTestId('portal-ticket').first().waitFor();
    await page.getByTestId('new-ticket').click();
    await page.getByTestId('subject').fill('Касса не печатает чек');
    await page.getByRole('link', { name: 'Касса не печатает чек' }).click();
    await page.getByRole('heading', { name: '1. Лента' }).waitFor();
    await stage.shot(page, 'portal-article');
    assert.deepEqual(await faultsOf(page, 'portal article'), []);
    await page.getByRole('button', { name: 'Қазақша' }).click();
    await page.getByRole('heading', { name: 'Касса чек шығармайды' }).waitFor();
    await page.getByRole('link', { name: 'Написать в поддержку' }).click();
    assert.equal(await page.getByTestId('subject').inputValue(), 'Касса не печатает чек');
    await page.getByRole('link', { name: 'База знаний' }).click();
    await page.getByRole('searchbox').fill('почта');
    await page.getByRole('link', { name: 'Рабочая почта на телефоне' }).waitFor();
    assert.deepEqual(await faultsOf(page, 'portal knowledge'), []);
  },

  async 'a visitor of a site finds an answer in the widget before writing'({ stage, desk }) {
    const page = await stage.window();
    await page.goto(`${desk.origin}/widget/demo.html?key=${desk.widgetKey}`);
    const widget = page.locator('tehprof-widget');
    await widget.getByTestId('open').click();
    await widget.getByTestId('kb').fill('печатает чек');
    await stage.shot(page, 'widget-answers');
    await widget.getByRole('button', { name: 'Касса не печатает чек' }).click();
    await widget.getByRole('heading', { name: '1. Лента' }).waitFor();
    await stage.shot(page, 'widget-article');
    assert.equal(await widget.locator('.article').evaluate((node) => node.querySelectorAll('script, img, iframe').length), 0);
    assert.deepEqual(await faultsOf(page, 'widget article'), []);
    await widget.getByRole('button', { name: 'Назад' }).click();
    assert.equal(await widget.getByTestId('kb').inputValue(), 'печатает чек');
  },

  async 'an operator puts a link to an article into a reply'({ stage, desk, world }) {
    const ticket = await world.ticket('Про кассу');
    const page = await stage.operator('marina');
    await page.goto(`${desk.origin}/tenant.html#/t/${ticket.id}`);
    const composer = page.getByTestId('composer');
    await composer.fill('Здравствуйте!');
    await page.getByRole('button', { name: 'Вставить ссылку на статью' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('searchbox').fill('касса чек');
    await dialog.getByRole('button', { name: /Касса не печатает чек/ }).click();
    await until('the link in the reply', async () => (await composer.inputValue()).endsWith('/kb/ru/kassa-ne-pechataet-chek'));
    assert.match(await composer.inputValue(), /^Здравствуйте! Касса не печатает чек: http/);
  },
};
