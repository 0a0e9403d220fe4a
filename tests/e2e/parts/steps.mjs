/** What operators do over and over, in the words of the stories. */
import { until } from './until.mjs';

export const rowOf = (page, id) => page.locator(`[data-testid=ticket-row][data-ticket-id="${id}"]`);
export const messageWith = (page, text) => page.getByTestId('message').filter({ hasText: text });
export const composer = (page) => page.getByTestId('composer');
export const toast = (page, text) => page.locator('.toast').filter({ hasText: text });

export async function openQueue(page, desk, view = 'active') {
  await page.goto(`${desk.origin}/tenant.html#/queue/${view}`);
  await page.getByTestId('ticket-row').first().waitFor();
}

export async function openTicket(page, desk, id) {
  await page.goto(`${desk.origin}/tenant.html#/t/${id}`);
  await page.locator('#conversation').waitFor();
  await page.getByTestId('message').first().waitFor();
}

/** Puts the newest tickets first. */
export async function newestFirst(page) {
  await page.getByRole('button', { name: 'Порядок' }).click();
  await page.getByRole('option', { name: 'Сначала новые' }).click();
}

/** Opens one of the ticket's pickers by its key, types and takes what it finds. */
export async function pick(page, key, words) {
  await page.locator('#conversation').focus();
  await page.keyboard.press(key);
  await page.locator('.pop input:focus').waitFor();
  await page.keyboard.type(words);
  await page.locator('.pop [role=option]').filter({ hasText: words }).first().waitFor();
  await page.keyboard.press('Enter');
}

/** Runs a command from the palette: types `words` and takes `option`. */
export async function command(page, words, option) {
  await page.keyboard.press('Control+k');
  await page.locator('[role=dialog] input:focus').waitFor();
  await page.keyboard.type(words);
  await page.locator('[role=option][aria-selected=true]').filter({ hasText: option }).waitFor();
  await page.keyboard.press('Enter');
}

/** A key of the Russian layout: the letter differs, the place on the keyboard is the same. */
export async function russianKey(page, code, letter) {
  const session = await page.context().newCDPSession(page);
  const key = { code, key: letter, windowsVirtualKeyCode: code.charCodeAt(3) };
  await session.send('Input.dispatchKeyEvent', { type: 'keyDown', text: letter, ...key });
  await session.send('Input.dispatchKeyEvent', { type: 'keyUp', ...key });
  await session.detach();
}

/** Hands files to whatever `locator` is, as a paste or a drop from outside does. */
export const handOver = (locator, event, files) => locator.evaluate((node, [kind, list]) => {
  const data = new DataTransfer();
  for (const [name, type, text] of list) data.items.add(new File([text], name, { type }));
  const init = { bubbles: true, cancelable: true };
  if (kind === 'paste') node.dispatchEvent(new ClipboardEvent('paste', { ...init, clipboardData: data }));
  else for (const step of ['dragenter', 'dragover', 'drop']) node.dispatchEvent(new DragEvent(step, { ...init, dataTransfer: data }));
}, [event, files]);

/** Waits until the server says that a ticket is as it should be. */
export const ticketBecomes = (api, id, what, right) => until(`ticket ${id}: ${what}`, async () => { const ticket = await api.ticket(id); return right(ticket) && ticket; });

/** Keeps the next call of an action from reaching the server until what it answers is called. */
export async function holdBack(page, action) {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await page.route(`**/api/admin.php/${action}`, async (route) => { await held; await route.continue(); }, { times: 1 });
  return release;
}
