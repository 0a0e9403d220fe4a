// Faults of the machine under the release binary: node tests/faults.mjs BINARY [--long] [--only WORD]. Power cuts, kills, a disk
// that is full, a disk that fails, idle and slow connections, secrets in what is stored; beside them, in tests/faults, disks that
// are slow or take nothing more, blocks and crash states, kills at each write, networks that fail, floods, too little memory and
// processor, refusals by the clock, what is left of what was deleted, backups, and hours of work. Needs root for loop devices,
// mounts, namespaces and groups; what this machine cannot do is said and counted as left out, never as passed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Server, binary, can, clean, cut, files, long, makeDesk, mayMount, mayTrace, mount, must, only, p, run, running, subjects, tehprof, unmount, work, write,
} from './faults/kit.mjs';
import { backups } from './faults/backup.mjs';
import { reorderedBlocks } from './faults/blocks.mjs';
import { failedReads, noInodes, readOnly, slowDisk } from './faults/disk.mjs';
import { erasure } from './faults/erasure.mjs';
import { floods } from './faults/http2.mjs';
import { killedSender } from './faults/killed.mjs';
import { endOfAddresses, leaveAll, littleMemory, littleProcessor } from './faults/limits.mjs';
import { brokenNetwork } from './faults/network.mjs';
import { soak } from './faults/soak.mjs';
import { crashStates } from './faults/states.mjs';
import { timing } from './faults/timing.mjs';

const faults = {
  'power cuts': async () => {
    if (!can('mkfs.ext4')) return 'left out: needs mkfs.ext4';
    const [cuts, place, image] = [long ? 60 : 3, join(work, 'cut'), join(work, 'cut.img')];
    run('truncate', '-s', '512M', image);
    run('mkfs.ext4', '-q', '-F', image);
    if (!mayMount('-o', 'loop', image)) return 'left out: needs root that may mount a file';
    mount([], place, '-o', 'loop', image);
    const dir = join(place, 'data');
    const keys = makeDesk(dir, 8);
    const all = [];
    let slowest = 0;
    for (let round = 0; round < cuts; round += 1) {
      const server = await Server.start(dir);
      const writing = write(server, keys, round);
      await sleep(300 + Math.random() * 900);
      cut(place);
      writing.stop = true;
      await sleep(50);
      await server.kill();
      await writing.done;
      all.push(...writing.acknowledged);
      unmount(place);
      mount([], place, '-o', 'loop', image);
      const again = await Server.start(dir);
      must((await again.get('/api/health.php')).status === 200, 'it does not answer after the cut');
      slowest = Math.max(slowest, Date.now() - again.began);
      const there = await subjects(again, keys[0]);
      const lost = all.filter((subject) => !there.has(subject));
      must(lost.length === 0, `round ${round}: ${lost.length} acknowledged tickets are gone`);
      await again.stop();
      tehprof(dir, 'check');
    }
    unmount(place);
    return `${cuts} cuts, ${all.length} acknowledged, 0 lost, 0 damaged; slowest start to the first answer ${slowest} ms`;
  },

  kills: async () => {
    const [kills, dir] = [long ? 200 : 10, join(work, 'kills')];
    const keys = makeDesk(dir, 8);
    const all = [];
    let slowest = 0;
    for (let round = 0; round < kills; round += 1) {
      const server = await Server.start(dir);
      slowest = Math.max(slowest, Date.now() - server.began);
      const writing = write(server, keys, round);
      await sleep(50 + Math.random() * 250);
      await server.kill();
      writing.stop = true;
      await writing.done;
      all.push(...writing.acknowledged);
    }
    const server = await Server.start(dir);
    const there = await subjects(server, keys[0]);
    must(all.every((subject) => there.has(subject)), 'an acknowledged ticket is gone');
    await server.stop();
    tehprof(dir, 'check');
    return `${kills} kills, ${all.length} acknowledged, 0 lost; slowest start ${slowest} ms`;
  },

  'a full disk': async () => {
    if (!mayMount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')) return 'left out: needs root that may mount';
    const [cycles, place] = [long ? 50 : 3, join(work, 'full')];
    mount(['-t', 'tmpfs'], place, '-o', 'size=400m', 'tmpfs');
    const dir = join(place, 'data');
    // A key is good for so many calls a minute.
    const keys = makeDesk(dir, cycles);
    let [key] = keys;
    const server = await Server.start(dir);
    const admin = await server.signIn('a@acme.example', 'correct horse battery');
    const open = (subject) => server.call(key, 'create_ticket', { subject, description: 'x'.repeat(60_000) });
    const refusals = [];
    let healing = 0;
    const kept = [];
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      key = keys[cycle];
      for (let tries = 0; !existsSync(join(dir, 'ballast')) && tries < 100; tries += 1) await sleep(100);
      must(existsSync(join(dir, 'ballast')), 'there is no ballast');
      const made = await open(`удалить ${cycle}`);
      must(made.status === 200, `before cycle ${cycle} a ticket is refused: ${made.status} ${made.text}`);
      const { id } = JSON.parse(made.text).data;
      spawnSync('dd', ['if=/dev/zero', `of=${join(place, 'filler')}`, 'bs=1M'], { stdio: 'ignore' });
      let reply;
      for (let n = 0; n < 2_000; n += 1) {
        reply = await open(`заявка ${cycle} ${n}`);
        if (reply.status !== 200) break;
        kept.push(`заявка ${cycle} ${n}`);
      }
      must(reply.status === 503 && reply.headers['retry-after'], `a full disk answers ${reply.status}: ${reply.text}`);
      for (let n = 0; n < 20; n += 1) {
        const refused = await open('нет места');
        must(refused.status === 503, `a full disk answers ${refused.status}`);
        refusals.push(refused.ms);
        const read = await server.call(key, 'list_tickets', { limit: 10 });
        must(read.status === 200, `reading on a full disk answers ${read.status}: ${read.text}`);
      }
      must(!existsSync(join(dir, 'ballast')), 'the ballast was not given back');
      must((await server.get('/api/health.php')).status === 503, 'it says that it is well');
      const removed = await server.call(admin, 'delete_ticket', { ticket_id: id });
      must(removed.status === 200, `deleting on a full disk answers ${removed.status}: ${removed.text}`);
      rmSync(join(place, 'filler'));
      const freed = Date.now();
      while ((await open(`снова ${cycle}`)).status !== 200) {
        must(Date.now() - freed < 5_000, 'it does not take changes again within five seconds');
        await sleep(50);
      }
      healing = Math.max(healing, Date.now() - freed);
    }
    const there = await subjects(server, key);
    must(kept.every((subject) => there.has(subject)), 'an acknowledged ticket is gone');
    must(!there.has('нет места'), 'a refused ticket is there');
    await server.stop();
    tehprof(dir, 'check');
    unmount(place);
    return `${cycles} times filled and freed: reading 100 %, refusals 503 in ${p(refusals, 0.99).toFixed(1)} ms (p99), changes taken again after at most ${healing} ms, 0 lost`;
  },

  'a disk that fails': async () => {
    if (!mayTrace()) return 'left out: needs strace, and leave to trace a program';
    const times = long ? 20 : 2;
    let slowest = 0;
    for (let n = 0; n < times; n += 1) {
      const dir = join(work, `eio-${n}`);
      const keys = makeDesk(dir, 4);
      const server = await Server.start(dir);
      const writing = write(server, keys, n);
      await sleep(400);
      const inject = `inject=${n % 2 ? 'pwrite64' : 'fsync,fdatasync'}:error=EIO`;
      const tracer = spawn('strace', ['-f', '-qq', '-o', '/dev/null', '-p', String(server.child.pid), '-e', 'trace=fsync,fdatasync,pwrite64', '-e', inject]);
      running.add(tracer);
      await sleep(300);
      const began = Date.now();
      const { code } = await Promise.race([server.ended, sleep(20_000).then(() => ({ code: 'still running' }))]);
      slowest = Math.max(slowest, Date.now() - began);
      tracer.kill();
      running.delete(tracer);
      must(code === 74, `it ended with ${code}: ${server.log.slice(-400)}`);
      writing.stop = true;
      await writing.done;
      const again = await Server.start(dir);
      const there = await subjects(again, keys[0]);
      must(writing.acknowledged.every((subject) => there.has(subject)), 'an acknowledged ticket is gone');
      await again.stop();
      tehprof(dir, 'check');
    }
    return `${times} times EIO on fsync or write: ended by itself with 74 at most ${slowest} ms later, nothing acknowledged was lost`;
  },

  'idle connections': async () => {
    const [wanted, dir] = [long ? 10_000 : 2_000, join(work, 'idle')];
    const [key] = makeDesk(dir, 1);
    const most = Number(run('sh', '-c', 'ulimit -Hn').trim()) || 1_024;
    // Both ends are on this machine; the server keeps a quarter of its descriptors for itself.
    const count = Math.min(wanted, Math.floor(most * 0.7), Math.floor(Number(run('sh', '-c', 'ulimit -n').trim()) * 0.7));
    const server = await Server.start(dir);
    const before = server.memory();
    const sockets = [];
    for (let n = 0; n < count; n += 1) {
      sockets.push(await new Promise((open, failed) => {
        const socket = connect(server.port, '127.0.0.1', () => {
          socket.write('GET /robots.txt HTTP/1.1\r\nHost: a\r\n\r\n');
          socket.once('data', () => open(socket));
        });
        socket.once('error', failed);
      }));
    }
    const times = [];
    for (let n = 0; n < 200; n += 1) {
      const reply = await server.call(key, 'list_tickets', { limit: 10 });
      if (reply.status === 200) times.push(reply.ms);
      else await sleep(20);
    }
    await sleep(1_000); // by then the last of them rests as well
    const after = server.memory();
    sockets.forEach((socket) => socket.destroy());
    await server.stop();
    must(p(times, 0.99) < 1_000, `p99 beside idle connections is ${p(times, 0.99)} ms`);
    return `${count} idle connections: ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB with them; a list beside them p99 ${p(times, 0.99).toFixed(1)} ms`;
  },

  'slow clients': async () => {
    const dir = join(work, 'slow');
    const [key] = makeDesk(dir, 1);
    const server = await Server.start(dir);
    const count = 300;
    const closed = [];
    const began = Date.now();
    for (let n = 0; n < count; n += 1) {
      const socket = connect(server.port, '127.0.0.1');
      const head = n % 2 ? 'GET / HTTP/1.1\r\nHost: a\r\n' : 'POST /api/admin.php HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{';
      socket.on('error', () => {});
      socket.write(head);
      const drip = setInterval(() => socket.write(n % 2 ? `X-${Date.now()}: a\r\n` : ' '), 1_000);
      socket.on('data', () => {});
      socket.on('close', () => {
        clearInterval(drip);
        closed.push([n % 2, Date.now() - began]);
      });
    }
    const times = [];
    while (Date.now() - began < 8_000) {
      const reply = await server.call(key, 'list_tickets', { limit: 10 });
      if (reply.status === 200) times.push(reply.ms);
      await sleep(20);
    }
    for (let wait = 0; closed.length < count && wait < (long ? 900 : 400); wait += 1) await sleep(100);
    await server.stop();
    const heads = closed.filter(([isHead]) => isHead);
    must(heads.length === count / 2, `${heads.length} of ${count / 2} slow heads were closed`);
    must(p(times, 0.99) < 1_000, `p99 beside slow clients is ${p(times, 0.99)} ms`);
    const last = Math.max(...closed.map(([, at]) => at));
    return `${count} slow clients: ${closed.length} closed, the last after ${(last / 1000).toFixed(0)} s; a list beside them p99 ${p(times, 0.99).toFixed(1)} ms`;
  },

  secrets: async () => {
    const dir = join(work, 'secrets');
    const canary = 'canary7Rk2vQ9xLm4TzP';
    const password = `pass-${canary}`;
    const [key] = makeDesk(dir, 1, password);
    const server = await Server.start(dir, ['--log-level', 'debug', '--metrics-token', `metrics-${canary}`]);
    const admin = await server.signIn('a@acme.example', password);
    const token = admin.cookie.split('=')[1];
    const mailbox = {
      address: 'help@acme.example',
      from_name: 'Desk',
      smtp: { host: '127.0.0.1', port: 25, security: 'none', username: 'u', password: `smtp-${canary}` },
      inbound: { provider: 'smtp' },
    };
    const made = await server.call(admin, 'create_channel', { type: 'email', name: 'mail', config: mailbox });
    must(made.status === 200 && !made.text.includes(canary), made.text);
    const hook = await server.call(admin, 'create_webhook', { url: `https://192.0.2.1/${canary.slice(0, 3)}`, events: ['ticket.created'] });
    const refused = [
      [{}, 'admin_login', { login: 'a@acme.example', password: `wrong-${canary}` }],
      [`tps_${canary}${canary}`, 'list_tickets'],
      [{ authorization: `Bearer ${canary}` }, 'list_tickets'],
      [{ cookie: `${admin.cookie.split('=')[0]}=${canary}` }, 'list_tickets'],
    ];
    for (const call of refused) must((await server.call(...call)).status === 403, `${call[1]} is let in`);
    await server.call(null, '', {}, `/setup?token=${canary}`);
    await server.call(key, 'list_tickets');
    must(hook.status < 500, hook.text);
    tehprof(dir, 'backup', join(dir, 'desk.backup'));
    const log = server.log;
    const hits = [];
    const search = (where, bytes) => {
      for (const secret of [canary, token, key.slice(4)]) if (bytes.includes(secret)) hits.push(`${where} holds ${secret.slice(0, 6)}…`);
    };
    files(dir).filter((path) => statSync(path).isFile()).forEach((path) => search(path, readFileSync(path)));
    search('the log', Buffer.from(log));
    await server.stop();
    files(dir).forEach((path) => search(path, readFileSync(path)));
    must(hits.length === 0, hits.join('; '));
    return `passwords of an account and of a channel, session, key and tokens searched for in database, log of writes, backup and the log at level debug: 0 hits`;
  },

  'a slow disk': slowDisk,
  'no inodes': noInodes,
  'a read-only disk': readOnly,
  'a failed read': failedReads,
  'HTTP/2 floods': floods,
  timing,
  erasure,
  backups,
  'crash states': crashStates,
  'reordered blocks': reorderedBlocks,
  'a killed sender': killedSender,
  'a network that fails': brokenNetwork,
  'little memory': littleMemory,
  'no address space': endOfAddresses,
  'little processor': littleProcessor,
  soak,
};

let failed = 0;
try {
  for (const [name, provoke] of Object.entries(faults)) {
    if (!name.includes(only)) continue;
    const began = Date.now();
    try {
      console.log(`${name}: ${await provoke()} (${((Date.now() - began) / 1000).toFixed(0)} s)`);
    } catch (error) {
      failed += 1;
      console.error(`${name}: FAILED: ${error.message}`);
    }
  }
} finally {
  clean();
  leaveAll();
}
process.exit(failed ? 1 : 0);
