// A desk that writes mail: its mailboxes, the tickets that come by mail, and the server that takes what it sends.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { must, running } from './kit.mjs';

const PEERS = join(dirname(fileURLToPath(import.meta.url)), 'peers.mjs');

/** The servers of `peers.mjs`, in this network or in another: what mail they have taken. */
export class Peers {
  static async start(list, inside = []) {
    const peers = new Peers();
    const [program, ...before] = [...inside, 'node'];
    peers.child = spawn(program, [...before, PEERS, ...list], { stdio: ['ignore', 'pipe', 'inherit'] });
    running.add(peers.child);
    peers.taken = [];
    await new Promise((ready, failed) => {
      peers.child.on('exit', () => failed(new Error('the peers did not start')));
      createInterface({ input: peers.child.stdout }).on('line', (line) => {
        if (line.startsWith('listening')) {
          peers.ports = line.split(' ').slice(1).map(Number);
          ready();
        } else peers.taken.push({ ...JSON.parse(line), at: Date.now() });
      });
    });
    return peers;
  }

  /** How often a mail with this mark was taken. */
  times(mark) {
    return this.taken.filter((mail) => mail.marks.includes(mark)).length;
  }

  end() {
    this.child.removeAllListeners('exit');
    this.child.kill();
    running.delete(this.child);
  }
}

/** Where the server takes mail. */
export async function smtpOf(server) {
  for (let tries = 0; tries < 100; tries += 1) {
    const line = server.log.split('\n').find((said) => said.includes('taking mail by SMTP'));
    if (line) return Number(line.match(/127\.0\.0\.1:(\d+)/)[1]);
    await sleep(50);
  }
  throw new Error('it does not say where it takes mail');
}

/** Opens a mailbox whose answers go to a server. */
export async function openMailbox(server, admin, address, host, port) {
  const config = { address, from_name: 'Desk', smtp: { host, port, security: 'none' }, inbound: { provider: 'smtp' } };
  const reply = await server.call(admin, 'create_channel', { type: 'email', name: address, config });
  must(reply.status === 200, reply.text);
}

/** Sends a mail to a mailbox. */
export function deliver(port, to, from, subject) {
  const lines = ['EHLO client.example', `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA',
    `From: <${from}>\r\nTo: <${to}>\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@client.example>\r\nDate: ${new Date().toUTCString().replace('GMT', '+0000')}\r\n\r\nHelp\r\n.`, 'QUIT'];
  return new Promise((done, failed) => {
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('latin1');
    let held = '';
    socket.on('data', (text) => {
      held += text;
      for (let end = held.indexOf('\n'); end >= 0; end = held.indexOf('\n')) {
        const line = held.slice(0, end);
        held = held.slice(end + 1);
        if (/^[45]/.test(line)) failed(new Error(`a mail is refused: ${line}`));
        if (/^\d{3} /.test(line) && lines.length) socket.write(`${lines.shift()}\r\n`);
      }
    });
    socket.on('close', done);
    socket.on('error', failed);
  });
}

/** The ticket of a subject, once it is there. */
export async function ticketOf(server, admin, subject) {
  for (let tries = 0; tries < 200; tries += 1) {
    const reply = await server.call(admin, 'list_tickets', { limit: 100 });
    const found = reply.status === 200 && JSON.parse(reply.text).data.tickets.find((ticket) => ticket.subject === subject);
    if (found) return found.id;
    await sleep(100);
  }
  throw new Error(`the mail ${subject} does not become a ticket`);
}
