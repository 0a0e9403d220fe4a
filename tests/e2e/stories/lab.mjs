/** An admin asks what would become of a mail before it comes, and gives a mailbox its signature. */
import assert from 'node:assert/strict';
import { faultsOf } from '../parts/look.mjs';
import { toast } from '../parts/steps.mjs';

const source = ['From: =?utf-8?B?0JDRgdC10Lw=?= <asem@lab.example>', 'To: lab@desk.example', 'Subject: =?utf-8?B?0JrQsNGB0YHQsA==?=', 'Auto-Submitted: auto-generated', '', 'Host db1 is down', ''].join('\r\n');
const config = { address: 'lab@desk.example', from_name: 'Лаборатория', smtp: { host: 'smtp.desk.example', port: 587, security: 'starttls' }, inbound: { provider: 'smtp' } };

/** The page of channels with the menu of this one open. */
async function menuOf(stage, desk, size) {
  const page = await stage.operator('admin', size);
  await page.goto(`${desk.origin}/tenant.html#/settings/channels`);
  await page.getByRole('button', { name: 'Действия: Лаборатория' }).click();
  return page;
}
const within = async (world, work) => {
  const admin = await world.as('admin');
  const channel = await admin.admin('create_channel', { type: 'email', name: 'Лаборатория', config });
  try { await work(admin, channel); } finally { await admin.admin('delete_channel', { channel_id: channel.id }); }
};

export default {
  async 'a mail is explained before it comes, pasted or dropped, and nothing comes of it'({ world, stage, desk }) {
    await within(world, async (admin) => {
      const before = (await admin.admin('list_tickets', {})).total;
      const page = await menuOf(stage, desk);
      await page.getByRole('menuitem', { name: 'Что станет с письмом…' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('button', { name: 'Разобрать' }).click();
      await dialog.locator('[aria-invalid=true]').waitFor();
      await dialog.getByLabel('Исходник').last().fill(source);
      await dialog.getByRole('button', { name: 'Разобрать' }).click();
      const part = dialog.getByTestId('part');
      await part.getByRole('heading', { name: 'Станет новой заявкой' }).waitFor();
      await part.getByText('заголовок Auto-Submitted: письмо создала программа').waitFor();
      await part.getByText('Host db1 is down').waitFor();
      await stage.shot(page, 'mail-lab');
      assert.deepEqual(await faultsOf(page, 'the mail lab'), []);
      await dialog.locator('input[type=file]').setInputFiles({ name: 'касса.eml', mimeType: 'message/rfc822', buffer: Buffer.from(source.replace('Auto-Submitted: auto-generated\r\n', '')) });
      await dialog.getByText('касса.eml').waitFor();
      await dialog.getByRole('button', { name: 'Разобрать' }).click();
      await part.getByText('Нет: писал человек.').waitFor();
      assert.equal((await admin.admin('list_tickets', {})).total, before);
      const phone = await menuOf(stage, desk, { size: 'phone', theme: 'dark' });
      await phone.getByRole('menuitem', { name: 'Что станет с письмом…' }).click();
      await phone.getByRole('dialog').getByLabel('Исходник').last().fill(source);
      await phone.getByRole('dialog').getByRole('button', { name: 'Разобрать' }).click();
      await phone.getByTestId('part').waitFor();
      await stage.shot(phone, 'mail-lab-phone');
      assert.deepEqual(await faultsOf(phone, 'the mail lab on a phone'), []);
    });
  },

  async 'a mailbox is given a key, shows its DNS records and signs until it is told not to'({ world, stage, desk }) {
    await within(world, async (admin, channel) => {
      const page = await menuOf(stage, desk);
      await page.getByRole('menuitem', { name: 'Записи DNS и подпись…' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('Письма не подписываются.').waitFor();
      await dialog.getByLabel('Имя ключа (селектор)').fill('spring');
      await dialog.getByRole('button', { name: 'Создать ключ' }).click();
      await dialog.getByText('домен desk.example, ключ spring').waitFor();
      await toast(page, 'Ключ создан').waitFor();
      const values = await dialog.getByLabel('Значение').evaluateAll((all) => all.map((x) => x.value));
      assert.equal(values.length, 3);
      assert.match(values[1], /^v=DKIM1; k=rsa; p=MIIB/);
      await stage.shot(page, 'dns');
      assert.deepEqual(await faultsOf(page, 'DNS records'), []);
      await dialog.getByRole('button', { name: 'Не подписывать' }).click();
      await dialog.getByText('Письма не подписываются.').waitFor();
      const after = (await admin.admin('list_channels')).find((x) => x.id === channel.id);
      assert.equal(after.config.dkim, undefined);
    });
  },

  async 'what stands in DNS is asked for and compared, record by record'({ world, stage, desk }) {
    const { texts } = world.names;
    await within(world, async (admin, channel) => {
      const { records } = await admin.admin('make_dkim_key', { channel_id: channel.id, selector: 'summer' });
      const wanted = (purpose) => records.find((x) => x.purpose === purpose);
      texts.set('desk.example', ['v=spf1 include:_spf.google.com ~all', 'v=spf1 mx ~all']);
      texts.set(wanted('dkim').name, [wanted('dkim').value]);
      try {
        const page = await menuOf(stage, desk);
        await page.getByRole('menuitem', { name: 'Записи DNS и подпись…' }).click();
        const dialog = page.getByRole('dialog');
        const record = (purpose) => dialog.locator(`[data-testid=dns-record][data-purpose=${purpose}]`);
        await dialog.getByRole('button', { name: 'Проверить, что записано сейчас' }).click();
        await record('spf').getByText('Записано, но с ошибкой').waitFor();
        await record('spf').getByText('а должна быть одна').waitFor();
        await record('spf').getByText('v=spf1 include:_spf.google.com ~all').waitFor();
        await record('dkim').getByText('Записано и работает').waitFor();
        await record('dmarc').getByText('Не записано').waitFor();
        await stage.shot(page, 'dns-checked');
        assert.deepEqual(await faultsOf(page, 'DNS records that were checked'), []);
        texts.set('desk.example', [wanted('spf').value]);
        texts.set('_dmarc.desk.example', [wanted('dmarc').value]);
        await dialog.getByRole('button', { name: 'Проверить, что записано сейчас' }).click();
        await record('spf').getByText('Записано и работает').waitFor();
        await record('dmarc').getByText('Политика none').waitFor();
        const phone = await menuOf(stage, desk, { size: 'phone', theme: 'dark' });
        await phone.getByRole('menuitem', { name: 'Записи DNS и подпись…' }).click();
        await phone.getByRole('button', { name: 'Проверить, что записано сейчас' }).click();
        await phone.getByText('Записано и работает').first().waitFor();
        await stage.shot(phone, 'dns-checked-phone');
        assert.deepEqual(await faultsOf(phone, 'DNS records on a phone'), []);
      } finally {
        texts.clear();
      }
    });
  },

  async 'a mailbox is fetched by IMAP, and then fed by SendGrid, as the form says'({ world, stage, desk }) {
    await within(world, async (admin, channel) => {
      const page = await menuOf(stage, desk);
      await page.getByRole('menuitem', { name: 'Изменить' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Как принимать').selectOption({ label: 'Почтовый ящик (IMAP)' });
      await dialog.getByRole('button', { name: 'Сохранить' }).click();
      await dialog.locator('[aria-invalid=true]').first().waitFor();
      assert.deepEqual(await faultsOf(page, 'the faults of a mailbox'), []);
      await dialog.getByLabel('Сервер').first().fill('imap.desk.example');
      await dialog.getByLabel('Логин').first().fill('lab@desk.example');
      await dialog.getByLabel('Пароль').first().fill('ключ от ящика');
      await stage.shot(page, 'mailbox-imap');
      await dialog.getByRole('button', { name: 'Сохранить' }).click();
      await dialog.waitFor({ state: 'hidden' });
      const inbound = async () => (await admin.admin('list_channels')).find((x) => x.id === channel.id).config.inbound;
      const kept = await inbound();
      assert.deepEqual([kept.provider, kept.host, kept.port, kept.security, kept.folder], ['imap', 'imap.desk.example', 993, 'tls', 'INBOX']);
      assert.ok(!JSON.stringify(kept).includes('ключ от ящика'));

      await page.getByRole('button', { name: 'Действия: Лаборатория' }).click();
      await page.getByRole('menuitem', { name: 'Изменить' }).click();
      await dialog.getByLabel('Как принимать').selectOption({ label: 'SendGrid' });
      const secret = await dialog.getByLabel('Секрет в адресе вебхука').inputValue();
      assert.ok(secret.length >= 16, 'a secret is made for whoever has none');
      await stage.shot(page, 'mailbox-sendgrid');
      assert.deepEqual(await faultsOf(page, 'the form of SendGrid'), []);
      await dialog.getByRole('button', { name: 'Сохранить' }).click();
      await dialog.waitFor({ state: 'hidden' });
      assert.equal((await inbound()).provider, 'sendgrid');
    });
  },
};
