// Networks that fail under a server in a network of its own: names that nobody answers for, packets that vanish, connections
// that are reset, a cable that is pulled, a line of 64 kbit. Each is on the way of one mailbox, all at the same time.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, binary, can, isRoot, makeDesk, must, p, run, work } from './kit.mjs';
import { Peers, deliver, openMailbox, smtpOf, ticketOf } from './mail.mjs';

const PASSWORD = 'correct horse battery';
const NAME = 'a network that fails';
const INSIDE = 'TEHPROF_FAULTS_FAR';
/** How long the network stays broken. */
const BROKEN = 8_000;

const ways = [
  // One cable for those whose packets are dealt with, one to pull, one to make slow.
  { name: 'names', host: 'names.desk.test', at: '10.99.1.11' },
  { name: 'vanish', host: '10.99.1.12', at: '10.99.1.12' },
  { name: 'reset', host: '10.99.1.13', at: '10.99.1.13' },
  { name: 'pulled', host: '10.99.2.11', at: '10.99.2.11' },
  { name: 'slow', host: '10.99.3.11', at: '10.99.3.11' },
];

const ip = (...list) => run('ip', ...list);

/** Two networks with three cables between them. */
function lay(near, far) {
  for (const place of [near, far]) {
    ip('netns', 'add', place);
    ip('-n', place, 'link', 'set', 'lo', 'up');
  }
  for (const cable of [1, 2, 3]) {
    ip('-n', near, 'link', 'add', `way${cable}`, 'type', 'veth', 'peer', 'name', `end${cable}`, 'netns', far);
    ip('-n', near, 'addr', 'add', `10.99.${cable}.1/24`, 'dev', `way${cable}`);
    ip('-n', near, 'link', 'set', `way${cable}`, 'up');
    ip('-n', far, 'link', 'set', `end${cable}`, 'up');
  }
  for (const { at } of ways) ip('-n', far, 'addr', 'add', `${at}/24`, 'dev', `end${at.split('.')[2]}`);
  ip('-n', far, 'addr', 'add', '10.99.1.53/24', 'dev', 'end1');
  mkdirSync(`/etc/netns/${near}`, { recursive: true });
  writeFileSync(`/etc/netns/${near}/resolv.conf`, 'nameserver 10.99.1.53\noptions timeout:2 attempts:1\n');
}

function take(near, far) {
  for (const place of [near, far]) spawnSync('ip', ['netns', 'delete', place]);
  rmSync(`/etc/netns/${near}`, { recursive: true, force: true });
}

const RULES = [
  ['-p', 'udp', '--dport', '53', '-j', 'DROP'],
  ['-d', '10.99.1.12', '-j', 'DROP'],
  ['-p', 'tcp', '-d', '10.99.1.13', '-j', 'REJECT', '--reject-with', 'tcp-reset'],
];

function breakAll() {
  RULES.forEach((rule) => run('iptables', '-A', 'OUTPUT', ...rule));
  ip('link', 'set', 'way2', 'down');
  run('tc', 'qdisc', 'add', 'dev', 'way3', 'root', 'tbf', 'rate', '64kbit', 'burst', '2000', 'limit', '30000');
}

function healAll() {
  RULES.forEach((rule) => run('iptables', '-D', 'OUTPUT', ...rule));
  ip('link', 'set', 'way2', 'up');
  run('tc', 'qdisc', 'del', 'dev', 'way3', 'root');
}

/** How long a list takes, asked again and again for so long. */
async function paces(server, key, milliseconds) {
  const times = [];
  for (const until = Date.now() + milliseconds; Date.now() < until; await sleep(15)) {
    const reply = await server.call(key, 'list_tickets', { limit: 10 });
    if (reply.status === 200) times.push(reply.ms);
  }
  return p(times, 0.99);
}

/** What happens inside the first network; the servers that take mail stand in the second. */
async function inside(far) {
  const dir = join(work, 'network');
  const [key] = makeDesk(dir, 1, PASSWORD);
  const names = ways.filter(({ host, at }) => host !== at).map(({ host, at }) => `${host}=${at}`);
  const peers = await Peers.start([...ways.map(({ at }) => `mail:${at}:2525`), `dns:10.99.1.53:53:${names}`], ['ip', 'netns', 'exec', far]);
  const server = await Server.start(dir, ['--smtp-listen', '127.0.0.1:0']);
  const admin = await server.signIn('a@acme.example', PASSWORD);
  const tickets = {};
  for (const { name, host } of ways) {
    await openMailbox(server, admin, `${name}@acme.example`, host, 2525);
    await deliver(await smtpOf(server), `${name}@acme.example`, 'client@client.example', name);
    tickets[name] = await ticketOf(server, admin, name);
  }
  const answer = async (mark, size = 0) => {
    for (const { name } of ways) {
      const message = `mark-${mark}-${name}-end ${'x'.repeat(size)}`;
      const reply = await server.call(admin, 'add_message', { ticket_id: tickets[name], message });
      must(reply.status === 200, `${name}: ${reply.text}`);
    }
  };
  const arrived = (mark) => ways.filter(({ name }) => peers.times(`mark-${mark}-${name}-end`) > 0);
  const wait = async (mark, most) => {
    const began = Date.now();
    while (arrived(mark).length < ways.length) {
      const lacking = ways.filter((way) => !arrived(mark).includes(way)).map(({ name }) => name);
      must(Date.now() - began < most, `${lacking} did not arrive within ${most / 1_000} s`);
      await sleep(100);
    }
    return Date.now() - began;
  };
  await answer('well');
  await wait('well', 20_000);
  const before = await paces(server, key, 3_000);
  breakAll();
  const posting = performance.now();
  await answer('broken', 20_000);
  const posted = performance.now() - posting;
  const beside = await paces(server, key, BROKEN);
  const through = arrived('broken').map(({ name }) => name);
  must(through.every((name) => name === 'slow'), `${through} arrived over a broken network`);
  healAll();
  const after = await wait('broken', 100_000);
  await sleep(2_000);
  const most = Math.max(...ways.map(({ name }) => peers.times(`mark-broken-${name}-end`)));
  must(most <= 2, `a mail was sent ${most} times`);
  must(beside <= before * 5 + 100, `a list takes ${beside.toFixed(1)} ms (p99) beside the broken network, ${before.toFixed(1)} before`);
  await server.stop();
  peers.end();
  const ms = (time) => `${time.toFixed(1)} ms`;
  return `no names, lost packets, resets, a pulled cable and 64 kbit at once: five answers taken in ${ms(posted)}, a list p99 ${ms(before)} before and ${ms(beside)} beside, all mail delivered ${(after / 1000).toFixed(0)} s after healing, none more than ${most} times`;
}

export async function brokenNetwork() {
  const far = process.env[INSIDE];
  if (far) return inside(far);
  const lacking = ['ip', 'iptables', 'tc'].filter((program) => !can(program));
  if (lacking.length) return `left out: needs ${lacking.join(', ')}`;
  const near = `tehprof-near-${process.pid}`;
  const other = `tehprof-far-${process.pid}`;
  if (!isRoot || spawnSync('ip', ['netns', 'add', near]).status !== 0) return 'left out: needs root that may make networks';
  ip('netns', 'delete', near);
  try {
    lay(near, other);
    const [node, script] = process.argv;
    const { status, stdout, stderr } = spawnSync('ip', ['netns', 'exec', near, node, script, binary, '--only', NAME], {
      encoding: 'utf8', env: { ...process.env, [INSIDE]: other }, timeout: 300_000,
    });
    must(status === 0, `${stdout}${stderr}`.trim());
    return stdout.trim().replace(`${NAME}: `, '').replace(/ \(\d+ s\)$/, '');
  } finally {
    take(near, other);
  }
}
