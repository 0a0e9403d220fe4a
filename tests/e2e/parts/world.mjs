/** What all stories share: one desk with its people, one browser, the customers' mail server, the world's name server,
 * other people's sites. */
import { Api } from './api.mjs';
import { launch } from './chromium.mjs';
import { Desk } from './desk.mjs';
import { Names } from './names.mjs';
import { Sink } from './sink.mjs';
import { Sites } from './sites.mjs';

export const password = 'demo-demo-demo';
export const mailbox = 'help@desk.test';
export const people = { admin: 'dmitry', supervisor: 'aliya', aigerim: 'aigerim', marina: 'marina', erlan: 'erlan' };
export const emailOf = (person) => `${people[person]}@demo.tehprof.kz`;

export class World {
  #signedIn = new Map();

  static async start(binary) {
    const world = new World();
    world.binary = binary;
    world.names = await Names.start();
    [world.desk, world.sink, world.sites, world.browser] = await Promise.all([Desk.start(binary, { more: ['--dns-server', world.names.address] }), Sink.start(), Sites.start(), launch()]);
    world.api = new Api(world.desk.address, { 'X-Api-Key': world.desk.key });
    world.portal = new Api(world.desk.address, { 'X-Client-Token': world.desk.clientToken });
    const admin = await world.as('admin');
    // The demo's own mailbox answers by a relay that nobody runs here.
    for (const channel of await admin.admin('list_channels')) await admin.admin('update_channel', { channel_id: channel.id, is_active: false });
    await admin.admin('create_channel', {
      type: 'email', name: 'Служба поддержки',
      config: { address: mailbox, from_name: 'Служба поддержки', inbound: { provider: 'smtp' }, smtp: { host: '127.0.0.1', port: world.sink.port, security: 'none' } },
    });
    return world;
  }

  /** The API as one of the demo's people uses it; each signs in once for all stories. */
  as(person) {
    if (!this.#signedIn.has(person)) this.#signedIn.set(person, this.signIn(person));
    return this.#signedIn.get(person);
  }

  /** A session of one's own, for a story that ends it. */
  signIn(person) { return Api.signIn(this.desk.address, emailOf(person), password); }

  /** A ticket to work on, from a client of the demo. */
  ticket(subject, more = {}) {
    return this.api.admin('create_ticket', { subject, description: 'Здравствуйте! Помогите, пожалуйста, разобраться.', portal_domain: 'client.bitrix24.kz', contact_name: 'Иван Петров', contact_email: 'ivan@client.test', ...more });
  }

  async stop() {
    await this.browser.close();
    const code = await this.desk.stop();
    await Promise.all([this.sink.stop(), this.sites.stop(), this.names.stop()]);
    return code;
  }
}
