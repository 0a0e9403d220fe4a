/** The customers' mail server: takes what the desk sends (RFC 5321, as much of it as a relay uses) and keeps it. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { readMail } from './mime.mjs';
import { until } from './until.mjs';

/** There is no mailbox at this domain: mail to it is refused for good. */
export const refusedDomain = 'gone.test';

export class Sink {
  mails = [];
  /** Recipients that were refused, once for every try. */
  refused = [];
  #server = createServer((socket) => this.#serve(socket));
  #open = new Set();

  static async start() {
    const sink = new Sink();
    sink.#server.listen(0, '127.0.0.1');
    await once(sink.#server, 'listening');
    return sink;
  }

  get port() { return this.#server.address().port; }

  /** The first mail that `wanted` accepts, as soon as it is there. */
  take(what, wanted) { return until(`a mail at the sink: ${what}`, () => this.mails.find(wanted), 20_000); }

  to(address) { return this.mails.filter((mail) => mail.to.includes(address)); }

  async stop() {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket) {
    this.#open.add(socket);
    socket.on('close', () => this.#open.delete(socket)).on('error', () => socket.destroy());
    const say = (line) => socket.write(`${line}\r\n`);
    let envelope = { from: '', to: [] };
    let body;
    const command = (line) => {
      const [, verb, rest] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
      const address = /<([^>]*)>/.exec(rest ?? '')?.[1] ?? '';
      switch (verb?.toUpperCase()) {
        case 'EHLO': return say('250-mail.customers.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING');
        case 'HELO': return say('250 mail.customers.test');
        case 'MAIL': envelope = { from: address, to: [] }; return say('250 2.1.0 Ok');
        case 'RCPT':
          if (address.endsWith(`@${refusedDomain}`)) {
            this.refused.push(address);
            return say('550 5.1.1 No such mailbox here');
          }
          envelope.to.push(address.toLowerCase());
          return say('250 2.1.5 Ok');
        case 'DATA': if (!envelope.to.length) return say('503 5.5.1 No recipients'); body = []; return say('354 Go ahead');
        case 'RSET': envelope = { from: '', to: [] }; return say('250 2.0.0 Ok');
        case 'NOOP': return say('250 2.0.0 Ok');
        case 'QUIT': say('221 2.0.0 Bye'); return socket.end();
        default: return say('502 5.5.2 Not understood');
      }
    };
    const line = (text) => {
      if (!body) return command(text);
      if (text !== '.') return body.push(text.startsWith('.') ? text.slice(1) : text);
      this.mails.push({ ...envelope, ...readMail(body.join('\r\n')) });
      body = undefined;
      return say('250 2.0.0 Taken');
    };
    let rest = '';
    socket.setEncoding('latin1').on('data', (piece) => {
      const lines = (rest + piece).split('\r\n');
      rest = lines.pop();
      lines.forEach(line);
    });
    say('220 mail.customers.test ESMTP');
  }
}
