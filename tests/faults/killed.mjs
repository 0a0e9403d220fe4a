// The sender killed at each of its writes: an answer is posted, the server is killed at its first, second, third … call that
// writes, flushes or speaks, and started again. No answer that was acknowledged is lost, and none is sent more than twice.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, long, makeDesk, mayTrace, must, running, tehprof, work } from './kit.mjs';
import { Peers, deliver, openMailbox, smtpOf, ticketOf } from './mail.mjs';

const PASSWORD = 'correct horse battery';
const KINDS = ['pwrite64', 'fsync,fdatasync', 'sendto,writev,sendmsg'];

const traced = (pid) => readdirSync(`/proc/${pid}/task`).every((thread) => !/TracerPid:\s+0\b/.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')));

/** Kills the server at the so-and-so-manieth call of a kind that one of its threads makes from now on. */
async function killAt(server, kind, n) {
  const rule = `inject=${kind}:signal=SIGKILL:when=${n}`;
  const tracer = spawn('strace', ['-f', '-qq', '-o', '/dev/null', '-p', String(server.child.pid), '-e', `trace=${kind}`, '-e', rule]);
  running.add(tracer);
  tracer.on('exit', () => running.delete(tracer));
  while (!traced(server.child.pid)) await sleep(5);
  return tracer;
}

/** Posts an answer while the server is to be killed. Answers whether it was acknowledged, and whether the kill took place. */
async function attempt(server, admin, ticket, peers, { kind, n, mark }) {
  const tracer = await killAt(server, kind, n);
  let acknowledged = false;
  let killed = false;
  server.ended.then(() => (killed = true));
  try {
    acknowledged = (await server.call(admin, 'add_message', { ticket_id: ticket, message: `Answer ${mark}` })).status === 200;
  } catch {
    await server.ended;
  }
  // The mark that it was sent is written after the other end has taken it.
  for (let tries = 0; !killed && tries < 200 && peers.times(mark) === 0; tries += 1) await sleep(10);
  if (!killed) await Promise.race([server.ended, sleep(250)]);
  const byWrite = killed;
  if (!killed) await server.kill();
  must((await server.ended).signal === 'SIGKILL', 'it ended by itself');
  tracer.kill();
  return { acknowledged, killed: byWrite };
}

/** Waits until nothing waits to be sent, so that each kill falls upon one answer. */
async function settled(dir) {
  for (let tries = 0; tries < 1_000; tries += 1) {
    if (JSON.parse(tehprof(dir, 'check', '--json')).figures.waiting === 0) return;
    await sleep(30);
  }
  throw new Error('what waits to be sent does not leave after a kill');
}

export async function killedSender() {
  if (!mayTrace()) return 'left out: needs strace, and leave to trace a program';
  const dir = join(work, 'sender');
  makeDesk(dir, 1, PASSWORD);
  const peers = await Peers.start(['mail:127.0.0.1:0']);
  const arguments_ = ['--smtp-listen', '127.0.0.1:0'];
  let server = await Server.start(dir, arguments_);
  let admin = await server.signIn('a@acme.example', PASSWORD);
  await openMailbox(server, admin, 'help@acme.example', '127.0.0.1', peers.ports[0]);
  await deliver(await smtpOf(server), 'help@acme.example', 'client@client.example', 'first');
  const ticket = await ticketOf(server, admin, 'first');
  await sleep(500);
  const points = {};
  const sent = new Map();
  for (const kind of KINDS) {
    // Until none was killed three times in a row: then every call of the way is behind. There are many writes, so the short
    // form takes every seventh.
    for (let n = 1, whole = 0; whole < 3; n += long || kind !== KINDS[0] ? 1 : 7) {
      const mark = `mark-${kind.split(',')[0]}-${n}-end`;
      const { acknowledged, killed } = await attempt(server, admin, ticket, peers, { kind, n, mark });
      whole = killed ? 0 : whole + 1;
      points[kind] = (points[kind] ?? 0) + Number(killed);
      sent.set(mark, acknowledged);
      server = await Server.start(dir, arguments_);
      await settled(dir);
    }
  }
  const lost = () => [...sent].filter(([mark, acknowledged]) => acknowledged && peers.times(mark) === 0).map(([mark]) => mark);
  for (let tries = 0; lost().length && tries < 900; tries += 1) await sleep(100);
  await sleep(1_000);
  await server.stop();
  peers.end();
  must(lost().length === 0, `lost: ${lost().join(' ')}`);
  const repeated = [...sent.keys()].filter((mark) => peers.times(mark) > 1);
  const worst = Math.max(...[...sent.keys()].map((mark) => peers.times(mark)));
  must(worst <= 2, `sent ${worst} times: ${repeated.join(' ')}`);
  const ids = (mark) => new Set(peers.taken.filter((mail) => mail.marks.includes(mark)).map((mail) => mail.id));
  must(repeated.every((mark) => ids(mark).size === 1), 'a repeat has another Message-ID');
  const words = Object.entries(points).map(([kind, times]) => `${times} at ${kind.split(',')[0]}`);
  must(Object.values(points).every((times) => times > 0), `nothing was killed: ${words.join(', ')}`);
  return `killed ${words.join(', ')}: ${[...sent.values()].filter(Boolean).length} acknowledged answers, 0 lost, ${repeated.length} sent twice under one Message-ID, none more often`;
}
