/** The main pages where one sees little at a time or in colours of one's own: zoomed to 400 %, in forced colours, with still pictures. */
import assert from 'node:assert/strict';
import { composer, messageWith } from '../parts/steps.mjs';
import { walk } from '../parts/walk.mjs';

const zoomed = [['zoomed', 'light'], ['low', 'light']];
const forced = [['phone', 'dark', 'active'], ['desktop', 'light', 'active']];
/** Forced colours are the browser's: axe reads those of the page. */
const browsers = ['color-contrast'];

const hash = (page, desk, path) => page.goto(`${desk.origin}/tenant.html#/${path}`);
const title = (page) => page.getByRole('heading', { level: 1 }).first().waitFor();

/** The pages that everybody comes to, of the desk and of the portal, each with how to get there. */
async function pages({ world, stage, desk }, suffix, looks, off = []) {
  const made = await world.portal.client('create_ticket', { subject: `Смета: ${suffix}`, description: 'Сколько это займёт?' });
  await world.api.admin('set_estimate', { ticket_id: made.id, hours: 12, cost: 144_000, description: 'Перенос, проверка, обучение сотрудников' });
  const { id } = await world.ticket(`Мало места: ${suffix}`);
  const aigerim = await world.as('aigerim');
  await aigerim.admin('add_message', { ticket_id: id, message: 'Проверяем принтер, ответим до обеда.' });
  await aigerim.admin('add_message', { ticket_id: id, message: 'Клиент звонил дважды', is_note: true });
  const [stranger, page, head, client] = [await stage.window(), await stage.operator('aigerim'), await stage.operator('admin'), await stage.window()];
  const state = (name, go) => [`${suffix}-${name}`, go, { looks, off }];
  return [
    [stranger, [state('login', async () => { await hash(stranger, desk, ''); await stranger.getByTestId('login').waitFor(); })]],
    [page, [
      state('queue', async () => { await hash(page, desk, 'queue/active'); await page.getByTestId('ticket-row').first().waitFor(); }),
      state('ticket', async () => { await hash(page, desk, `t/${id}`); await messageWith(page, 'Клиент звонил').waitFor(); await composer(page).fill('Ответ'); }),
      state('palette', async () => { await page.locator('#conversation').focus(); await page.keyboard.press('Control+k'); await page.getByRole('dialog').waitFor(); }),
      state('new', async () => { await page.keyboard.press('Escape'); await page.getByRole('dialog').waitFor({ state: 'detached' }); await page.locator('#conversation').focus(); await page.keyboard.press('c'); await page.getByRole('dialog').waitFor(); }),
    ]],
    [head, [
      state('dashboard', async () => { await hash(head, desk, 'dashboard'); await head.locator('table').waitFor(); }),
      state('clients', async () => { await hash(head, desk, 'clients'); await title(head); }),
      state('profile', async () => { await hash(head, desk, 'settings/profile'); await title(head); }),
      state('channels', async () => { await hash(head, desk, 'settings/channels'); await head.getByText('Служба поддержки').first().waitFor(); }),
      state('automation', async () => { await hash(head, desk, 'settings/automation'); await head.getByText('Срочные — свободному сотруднику').first().waitFor(); }),
    ]],
    [client, [
      state('portal', async () => { await client.goto(`${desk.origin}/index.html?ctoken=${desk.clientToken}`); await client.getByTestId('portal-ticket').first().waitFor(); }),
      state('portal-ticket', async () => { await client.goto(`${desk.origin}/index.html#/ticket/${made.id}`); await client.getByTestId('approve-estimate').waitFor(); }),
      state('portal-approve', async () => { await client.getByTestId('approve-estimate').click(); await client.locator('dialog[open]').waitFor(); }),
      state('portal-new', async () => { await client.goto(`${desk.origin}/index.html#/new`); await client.reload(); await client.getByTestId('subject').waitFor(); }),
      state('widget', async () => { await client.goto(`${desk.origin}/widget/demo.html?key=${desk.widgetKey}`); await client.getByTestId('open').click(); await client.getByTestId('name').waitFor(); }),
    ]],
  ];
}

/** What a field shows of itself and of its page when it has the focus: enough to write in. */
const seen = (locator) => locator.evaluate((node) => {
  node.scrollIntoView({ block: 'nearest' });
  const box = node.getBoundingClientRect();
  const top = document.elementFromPoint(box.left + box.width / 2, Math.min(box.bottom, innerHeight) - 6);
  return node.contains(top) && box.top < innerHeight - 20 && box.bottom > 20;
});

export default {
  async 'zoomed to 400 % the main pages need no sideways scroll, and one can read and answer'(scene) {
    for (const [page, states] of await pages(scene, 'zoom', zoomed)) await walk(scene.stage, page, states);
    const { world, stage, desk } = scene;
    const { id } = await world.ticket('На лупе');
    const page = await stage.operator('aigerim', { size: 'low' });
    await hash(page, desk, `t/${id}`);
    const first = page.getByTestId('message').first();
    await first.waitFor();
    assert.ok(await seen(first), 'the message can be read');
    await composer(page).fill('Ответ с лупой');
    assert.ok(await seen(composer(page)), 'the field can be written in');
    await page.getByTestId('send').click();
    await messageWith(page, 'Ответ с лупой').waitFor();
  },

  async 'in forced colours the main pages keep their borders, marks and states'(scene) {
    for (const [page, states] of await pages(scene, 'forced', forced, browsers)) await walk(scene.stage, page, states);
  },

  async 'who wants no motion sees none'({ stage, desk }) {
    const page = await stage.operator('aigerim');
    await hash(page, desk, 'queue/active');
    await page.getByTestId('ticket-row').first().click();
    await page.getByTestId('message').first().waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').waitFor();
    const client = await stage.window();
    await client.goto(`${desk.origin}/index.html?ctoken=${desk.clientToken}`);
    await client.getByTestId('portal-ticket').first().waitFor();
    const shop = await stage.window();
    await shop.goto(`${desk.origin}/widget/demo.html?key=${desk.widgetKey}`);
    await shop.getByTestId('open').click();
    for (const window of [page, client, shop]) assert.deepEqual(await window.evaluate(() => document.getAnimations().filter((x) => x.playState === 'running').map((x) => x.effect?.target?.className ?? '')), []);
  },
};
