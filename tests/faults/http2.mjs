// Floods of HTTP/2 against a server with a certificate: each is sent by a thread of its own for seconds while a good client
// asks, and what the server spends on it is looked at while it lasts and afterwards.
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Server, long, makeDesk, must, p, tehprof, work } from './kit.mjs';

const PASSWORD = 'correct horse battery';
const KINDS = ['rapid reset', 'endless streams', 'endless headers', 'large headers', 'empty continuations', 'pings unread', 'settings unread', 'answers unread'];
const CONNECTIONS = 16;
/** Kinds that the server must end the connection of. */
const ENDED = ['rapid reset', 'endless headers', 'empty continuations'];

/** The seconds of processor that a process has taken so far. */
export function processor(pid) {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 13);
  return (Number(user) + Number(system)) / 100;
}

/** A good client, over one connection of HTTP/2. */
class Good {
  constructor(port, ca, cookie) {
    this.session = connect(`https://127.0.0.1:${port}`, { ca });
    this.session.on('error', (error) => (this.failed = error));
    this.cookie = cookie;
  }

  ask() {
    const began = performance.now();
    return new Promise((answered, failed) => {
      const sent = this.session.request({ ':method': 'POST', ':path': '/api/admin.php', 'content-type': 'application/json', cookie: this.cookie });
      let status = 0;
      sent.on('response', (headers) => (status = headers[':status']));
      sent.on('error', failed);
      sent.on('data', () => {});
      sent.on('end', () => answered({ status, ms: performance.now() - began }));
      sent.end('{"action":"list_tickets","limit":10}');
    });
  }

  /** Asks until it is told to stop. */
  async keepAsking(until) {
    const times = [];
    while (!until.over) {
      const { status, ms } = await this.ask();
      must(status === 200, `a good client is answered ${status}`);
      times.push(ms);
      await sleep(5);
    }
    return times;
  }
}

async function flood(server, good, kind, seconds) {
  const [memory, spent, began] = [server.memory(), processor(server.child.pid), Date.now()];
  const worker = new Worker(new URL('./flood.mjs', import.meta.url), { workerData: { port: server.port, kind, seconds, connections: CONNECTIONS }, argv: [] });
  const until = { over: false };
  const asking = good.keepAsking(until);
  let most = memory;
  const watch = setInterval(() => (most = Math.max(most, server.memory())), 100);
  const told = await new Promise((done, failed) => worker.on('message', done).on('error', failed));
  clearInterval(watch);
  until.over = true;
  const times = await asking;
  const share = (processor(server.child.pid) - spent) / ((Date.now() - began) / 1_000);
  await sleep(1_000);
  const rest = processor(server.child.pid);
  await sleep(2_000);
  const after = (processor(server.child.pid) - rest) / 2;
  must(told.frames > 100, `only ${told.frames} frames were sent: ${JSON.stringify(told)}`);
  must(!ENDED.includes(kind) || told.closed > 0, `no connection was closed: ${JSON.stringify(told)}`);
  must(most - memory < 96, `memory grows from ${memory.toFixed(0)} to ${most.toFixed(0)} MB`);
  must(after < 0.05, `${(after * 100).toFixed(0)} % of a processor are spent after the flood`);
  must(p(times, 0.99) < 1_000, `a good client waits ${p(times, 0.99).toFixed(0)} ms`);
  const said = Object.entries(told.said).map(([reason, count]) => `${count} × ${reason}`).join(', ');
  return `${kind}: ${told.frames} frames over ${told.connections} connections, ${told.closed} closed${said && ` (${said})`}, ${told.resets} streams reset; processor ${(share * 100).toFixed(0)} %, afterwards ${(after * 100).toFixed(1)} %, memory ${memory.toFixed(0)} to ${most.toFixed(0)} MB, a good client p99 ${p(times, 0.99).toFixed(1)} ms`;
}

export async function floods() {
  const dir = join(work, 'http2');
  const [key] = makeDesk(dir, 1, PASSWORD);
  tehprof(dir, 'tls', 'init', '--names', '127.0.0.1');
  const of = (name) => join(dir, 'tls', name);
  const server = await Server.start(dir, ['--tls-cert', of('cert.pem'), '--tls-key', of('key.pem'), '--public-url', 'https://127.0.0.1']);
  for (let n = 0; n < 20; n += 1) must((await server.call(key, 'create_ticket', { subject: `заявка ${n}`, description: 'x' })).status === 200, 'a ticket is refused');
  const { cookie } = await server.signIn('a@acme.example', PASSWORD);
  const good = new Good(server.port, readFileSync(of('root.pem')), cookie);
  const alone = { over: false };
  setTimeout(() => (alone.over = true), 2_000);
  const before = await good.keepAsking(alone);
  const told = [`a good client alone p99 ${p(before, 0.99).toFixed(1)} ms`];
  for (const kind of KINDS) told.push(await flood(server, good, kind, long ? 30 : 3));
  good.session.destroy();
  const { code } = await server.stop();
  must(code === 0, `it ended with ${code}`);
  tehprof(dir, 'check');
  return told.join('; ');
}
