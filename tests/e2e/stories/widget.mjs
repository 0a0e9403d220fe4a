/** The widget on a page that is not ours: styles that reach for everything, and a policy that lets little through. */
import assert from 'node:assert/strict';
import { until } from '../parts/until.mjs';

const sheet = `* { all: revert; color: #f00 !important; font: italic 31px/3 serif !important; letter-spacing: 9px !important; text-transform: uppercase !important; }
main *, tehprof-widget { opacity: .5 !important; }
button { background: #0f0 !important; border-radius: 0 !important; transform: rotate(8deg) !important; } div, p { display: none !important; } tehprof-widget { display: none !important; position: static !important; }
h1 { color: #00f !important; font: 40px monospace !important; }`;

/** A shop whose policy allows scripts and connections of the desk, and styles of its own alone. */
export function shop({ sites, desk }, lang) {
  sites.put('shop.test', '/hostile.css', sheet, 'text/css');
  return sites.put('shop.test', '/', `<!doctype html><html lang="ru"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Магазин</title><link rel="stylesheet" href="/hostile.css"><link rel="icon" href="data:,"></head>
    <body><main><h1>Магазин</h1><a href="/next">Каталог</a></main><script async src="${desk.origin}/widget/loader.js" data-api-key="${desk.widgetKey}" data-lang="${lang}"></script></body></html>`, undefined, {
    'Content-Security-Policy': `default-src 'none'; script-src ${desk.origin}; connect-src ${desk.origin}; style-src 'self'; img-src data:; require-trusted-types-for 'script'`,
  });
}

async function visit(stage, world, options = { lang: 'ru' }) {
  const { desk, sites } = world;
  const address = shop(world, options.lang);
  stage.allowOrigin(sites.origin('shop.test'));
  const page = await stage.window(options);
  const asked = [];
  page.on('request', (request) => { if (request.url().startsWith(desk.origin)) asked.push(new URL(request.url()).pathname); });
  await page.goto(address);
  const widget = page.locator('tehprof-widget');
  await widget.getByTestId('open').waitFor();
  return { page, widget, asked };
}

const focusInside = (page) => page.evaluate(() => document.querySelector('tehprof-widget').shadowRoot.activeElement?.dataset.testid);

export default {
  async 'on a hostile page the launcher is whole, nothing is asked before the click, and a request goes there and back'({ world, stage, desk, api }) {
    const { page, widget, asked } = await visit(stage, world);
    await page.waitForLoadState('networkidle');
    assert.deepEqual(asked, ['/widget/loader.js']);
    assert.deepEqual(await page.context().cookies(), []);
    const launcher = widget.getByTestId('open');
    const box = await launcher.boundingBox();
    assert.ok(box.width >= 48 && box.width === box.height && box.x + box.width <= 1440 && box.y + box.height <= 900 && box.x > 1000 && box.y > 500, `the launcher is in its corner: ${JSON.stringify(box)}`);
    const look = await launcher.evaluate((node) => { const { opacity, letterSpacing, transform, fontStyle } = getComputedStyle(node); return [opacity, letterSpacing, transform, fontStyle]; });
    assert.deepEqual(look, ['1', 'normal', 'none', 'normal'], 'the page’s styles do not reach in');
    assert.match(await page.locator('h1').evaluate((node) => getComputedStyle(node).fontFamily), /monospace/, 'ours do not leak out');
    await stage.shot(page, 'widget-closed');

    await launcher.focus();
    await page.keyboard.press('Enter');
    await until('the first field has the focus', async () => (await focusInside(page)) === 'name');
    await stage.shot(page, 'widget-open');
    const [panel, send] = await Promise.all([widget.getByRole('dialog').boundingBox(), widget.getByTestId('submit').boundingBox()]);
    assert.ok(send.y + send.height <= panel.y + panel.height, 'the whole form is seen, its button included');
    await widget.getByTestId('submit').click();
    assert.equal(await widget.getByTestId('name').getAttribute('aria-invalid'), 'true');
    await widget.getByTestId('name').fill('Динара');
    await widget.getByTestId('email').fill('dinara@visitor.test');
    await widget.getByTestId('text').fill('Когда привезут заказ <b>№ 5</b>?');
    await page.reload();
    await widget.getByTestId('open').click();
    assert.equal(await widget.getByTestId('text').inputValue(), 'Когда привезут заказ <b>№ 5</b>?', 'typed text survives moving on');
    await widget.getByTestId('submit').click();
    const log = widget.getByRole('log');
    await log.getByText('Когда привезут заказ <b>№ 5</b>?').waitFor();
    await stage.shot(page, 'widget-sent');

    const ticket = await until('the ticket', async () => (await api.admin('list_tickets', { search: 'привезут заказ' })).tickets[0]);
    assert.equal(ticket.channel, 'widget');
    const marina = await world.as('marina');
    await marina.admin('add_message', { ticket_id: ticket.id, message: 'Между нами: заказ потерян', is_note: true });
    await marina.admin('add_message', { ticket_id: ticket.id, message: 'Здравствуйте, Динара! **Завтра** до обеда.\n- код `5-А`\n- [где мы](https://tehprof.example/map), склад_2_этаж' });
    await log.getByText('до обеда.').waitFor({ timeout: 20_000 });
    await log.locator('b', { hasText: /^Завтра$/ }).waitFor();
    const drawn = await log.getByText('до обеда.').evaluate((node) => ({ words: node.innerText, code: node.querySelector('code')?.textContent, link: node.querySelector('a')?.href, italic: node.querySelector('i')?.textContent }));
    assert.deepEqual(drawn, { words: 'Здравствуйте, Динара! Завтра до обеда.\n• код 5-А\n• где мы, склад_2_этаж', code: '5-А', link: 'https://tehprof.example/map', italic: undefined });
    await stage.shot(page, 'widget-marks');
    assert.ok(!(await log.textContent()).includes('Между нами'));
    await widget.getByTestId('message').fill('Спасибо, жду!');
    await widget.getByTestId('submit').click();
    await until('the reply at the desk', async () => (await api.messages(ticket.id)).some((x) => x.message === 'Спасибо, жду!' && x.author_type === 'client'));

    await page.reload();
    await widget.getByTestId('open').click();
    await widget.getByRole('button', { name: 'Мои заявки' }).click();
    await widget.getByRole('button', { name: /привезут заказ/ }).click();
    await log.getByText('Спасибо, жду!').waitFor();
    await log.getByText('Завтра до обеда.').waitFor();
    await page.keyboard.press('Escape');
    await until('Escape gives the focus back', async () => (await focusInside(page)) === 'open');
    assert.equal(await launcher.getAttribute('aria-expanded'), 'false');
    assert.equal(desk.faults.length, 0);
  },

  async 'on a phone the widget fills the screen, and a page of a site that is not allowed is refused'({ world, stage }) {
    const { page, widget } = await visit(stage, world, { size: 'phone', theme: 'dark', lang: 'kk' });
    await widget.getByTestId('open').click();
    const box = await widget.getByRole('dialog').boundingBox();
    assert.deepEqual([box.x, box.width], [0, 360]);
    assert.ok(box.height >= 700, `the panel is ${box.height} high`);
    await stage.shot(page, 'widget-phone');

    const admin = await world.as('admin');
    await admin.admin('save_widget_settings', { allowed_origins: ['https://elsewhere.test'] });
    try {
      stage.allow(/widget\.php/);
      stage.allow(/blocked by CORS policy/);
      await widget.getByTestId('name').fill('Динара');
      await widget.getByTestId('email').fill('dinara@visitor.test');
      await widget.getByTestId('text').fill('Меня тут быть не должно');
      await widget.getByTestId('submit').click();
      await widget.getByRole('alert').filter({ hasText: /\S/ }).waitFor();
      assert.equal((await world.api.admin('list_tickets', { search: 'быть не должно' })).total, 0);
    } finally {
      await admin.admin('save_widget_settings', { allowed_origins: [] });
    }
  },

  async 'where the desk is strict, a code from an e-mail opens a request that was made elsewhere'({ world, stage, api }) {
    const admin = await world.as('admin');
    const home = await visit(stage, world);
    await home.widget.getByTestId('open').click();
    await home.widget.getByTestId('name').fill('Жанна');
    await home.widget.getByTestId('email').fill('zhanna@visitor.test');
    await home.widget.getByTestId('text').fill('Не пришёл чек');
    await home.widget.getByTestId('submit').click();
    await home.widget.getByRole('log').getByText('Не пришёл чек').waitFor();
    const number = await home.page.evaluate(() => Object.entries(localStorage).filter(([name]) => name.startsWith('tehprof.')).flatMap(([, value]) => JSON.parse(value)).at(-1).id);
    await admin.admin('save_widget_settings', { widget_access: 'strict' });
    try {
      const { page, widget } = await visit(stage, world);
      await widget.getByTestId('open').click();
      await widget.getByRole('button', { name: 'Мои заявки' }).click();
      await widget.getByTestId('ticket_id').fill(String(number));
      await widget.getByTestId('email').fill('zhanna@visitor.test');
      await widget.getByTestId('submit').click();
      await until('the code has the focus', async () => (await focusInside(page)) === 'code');
      await stage.shot(page, 'widget-code');
      const mail = await world.sink.take('the code', (x) => x.to.includes('zhanna@visitor.test') && /^\d{6}$/m.test(x.text));
      await widget.getByTestId('code').fill(/^\d{6}$/m.exec(mail.text)[0]);
      await widget.getByTestId('submit').click();
      await widget.getByRole('log').getByText('Не пришёл чек').waitFor();
    } finally {
      await admin.admin('save_widget_settings', { widget_access: 'standard' });
    }
  },

  async 'the demo page shows the widget with the desk’s key'({ stage, desk }) {
    const page = await stage.window();
    await page.goto(`${desk.origin}/widget/demo.html?key=${desk.widgetKey}`);
    await page.locator('tehprof-widget').getByTestId('open').click();
    await page.locator('tehprof-widget').getByTestId('name').waitFor();
    await stage.shot(page, 'widget-demo');
  },
};
