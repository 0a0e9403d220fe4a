/** The session ends in the middle of work. */
import assert from 'node:assert/strict';
import { composer, messageWith, openTicket, ticketBecomes } from '../parts/steps.mjs';
import { password } from '../parts/world.mjs';

export default {
  async 'when the session has ended a dialog asks for the password, the draft stays, and what was sent meanwhile goes out'({ world, stage, desk, api }) {
    const { id } = await world.ticket('Сеанс закончился');
    const page = await stage.operator('erlan');
    await openTicket(page, desk, id);
    await page.getByTestId('note-toggle').click();
    await composer(page).fill('Заметка, которую не потерять');
    await page.getByTestId('note-toggle').click();
    await composer(page).fill('Ответ, отправленный без сеанса');
    await page.context().clearCookies();
    stage.allow(/api\/admin\.php\//);
    stage.allow(/WebSocket connection to .* failed/);
    await page.getByTestId('send').click();

    const dialog = page.getByRole('dialog', { name: 'Сеанс завершён' });
    await dialog.waitFor();
    await messageWith(page, 'Ответ, отправленный без сеанса').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor();
    await stage.shot(page, 'session-ended');
    assert.equal((await api.messages(id)).length, 1);
    await dialog.getByTestId('password').fill('wrong');
    await page.keyboard.press('Enter');
    await dialog.getByRole('alert').waitFor();
    await dialog.getByTestId('password').fill(password);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });

    await messageWith(page, 'Ответ, отправленный без сеанса').and(page.locator('[data-message-id]')).waitFor();
    await page.getByTestId('note-toggle').click();
    assert.equal(await composer(page).inputValue(), 'Заметка, которую не потерять');
    await page.keyboard.press('Control+Enter');
    await messageWith(page, 'Заметка, которую не потерять').and(page.locator('[data-message-id]')).waitFor();
    assert.deepEqual((await api.messages(id)).slice(1).map((x) => x.message), ['Ответ, отправленный без сеанса', 'Заметка, которую не потерять']);

    await api.admin('update_ticket', { ticket_id: id, priority: 'urgent' });
    await page.getByRole('button', { name: 'Срочный' }).first().waitFor();
    await ticketBecomes(api, id, 'urgent', (x) => x.priority === 'urgent');
  },
};
