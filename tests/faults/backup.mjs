// Backups of a large desk: how long making and restoring one takes, what writers feel of it, and what is left of one that is
// killed or finds no room. TEHPROF_DESK may name a data directory whose copy is taken instead of a desk made for this.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, binary, can, files, long, makeDesk, mayMount, mount, must, p, run, running, tehprof, unmount, work, write } from './kit.mjs';
import { upload } from './limits.mjs';

const PASSWORD = 'correct horse battery';
const MB = 1 << 20;
const GB = 1 << 30;
const WRITERS = 16;
/** How much of a desk is made: half of it texts, half attachments. */
const SIZE = long ? 2 * GB : 192 * MB;

const seconds = (since) => (Date.now() - since) / 1_000;

/** How many bytes a backup of a desk has to hold. */
function size(dir) {
  const stored = [join(dir, 'tehprof.db'), ...files(join(dir, 'files'))];
  return stored.reduce((sum, path) => sum + statSync(path).size, 0);
}

/** A desk of the size with keys for its writers. */
async function large(dir) {
  if (process.env.TEHPROF_DESK) {
    cpSync(process.env.TEHPROF_DESK, dir, { recursive: true, filter: (path) => !/ballast|before-schema/.test(path) });
    const [{ tenant_id: tenant, email }] = JSON.parse(tehprof(dir, 'operator', 'list', '--json'));
    const scopes = ['--scopes', 'read,write,tickets', '--operator', email];
    return Array.from({ length: WRITERS }, (_, n) => tehprof(dir, 'key', 'create', '--tenant', String(tenant), '--name', `backup ${n}`, ...scopes));
  }
  const keys = makeDesk(dir, WRITERS, PASSWORD);
  const server = await Server.start(dir, ['--log-level', 'warn']);
  const admin = await server.signIn('a@acme.example', PASSWORD);
  const description = 'Касса не печатает чек, принтер молчит. '.repeat(1_500);
  let made = 0;
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (made < SIZE / 2) {
      made += Buffer.byteLength(description);
      const reply = await server.call(admin, 'create_ticket', { subject: `старая ${made}`, description });
      must(reply.status === 200, reply.text);
    }
  }));
  for (let sent = 0; sent < SIZE / 2; sent += 25 * MB) {
    const reply = await upload(server, admin, 25 * MB - (sent / MB) % 1_000);
    must(reply.status === 200, reply.text);
  }
  await server.stop();
  return keys;
}

/** Makes a backup. Answers how long it took; killed, if it is to be. */
function backup(dir, file, after = null) {
  const began = Date.now();
  const child = spawn(binary, ['backup', file, '--data-dir', dir], { stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  if (after !== null) setTimeout(() => child.kill('SIGKILL'), after);
  return new Promise((done) => child.on('exit', (code, signal) => {
    running.delete(child);
    done({ code, signal, said: said.trim(), took: seconds(began) });
  }));
}

/** Which subjects of writers a data directory holds. */
function written(dir) {
  const code = 'import sqlite3,sys\nfor (s,) in sqlite3.connect(sys.argv[1]).execute("select subject from ticket where subject like \'раунд %\'"): print(s)';
  const out = spawnSync('python3', ['-c', code, join(dir, 'tehprof.db')], { encoding: 'utf8', maxBuffer: GB });
  must(out.status === 0, out.stderr);
  return new Set(out.stdout.split('\n'));
}

const digest = (file) => run('sha256sum', file).split(' ')[0];
const verify = (dir, file) => spawnSync(binary, ['restore', file, '--verify', '--data-dir', dir]).status === 0;

/** What is wrong with a desk. */
function check(dir) {
  const { status, stdout } = spawnSync(binary, ['check', '--data-dir', dir], { encoding: 'utf8', maxBuffer: GB });
  return status === 0 ? [] : stdout.trim().split('\n');
}

/** Backups made beside writers, at least two and for some seconds. */
async function beside(server, dir, keys, file) {
  const quiet = write(server, keys, 'раньше');
  await sleep(long ? 10_000 : 3_000);
  quiet.stop = true;
  await quiet.done;
  const busy = write(server, keys, 'рядом');
  const [took, began] = [[], Date.now()];
  let sure = [];
  while (took.length < 2 || seconds(began) < (long ? 10 : 3)) {
    sure = [...busy.acknowledged];
    const made = await backup(dir, file);
    must(made.code === 0, made.said);
    took.push(made.took);
  }
  busy.stop = true;
  await busy.done;
  must([...quiet.refused, ...busy.refused].length === 0, `writers are refused: ${busy.refused[0]?.text}`);
  return { sure: [...quiet.acknowledged, ...sure], took: Math.max(...took), times: [quiet.times, busy.times] };
}

/** Backups that are killed, over one that is good. */
async function killed(dir, folder) {
  const file = join(folder, 'desk.backup');
  // Nobody writes now, so it takes less than beside writers.
  const { code, took } = await backup(dir, file);
  must(code === 0, 'no backup is made while nobody writes');
  const before = digest(file);
  const kills = long ? 50 : 5;
  let unfinished = 0;
  for (let n = 0; n < kills; n += 1) {
    const { signal } = await backup(dir, file, ((n + 0.5) / kills) * took * 900);
    if (!signal) continue;
    unfinished += 1;
    must(digest(file) === before, `kill ${n}: the earlier backup is another one now`);
  }
  must(unfinished > 0, `none of ${kills} was killed in time`);
  must(verify(dir, file), 'the earlier backup is damaged');
  must((await backup(dir, file)).code === 0, 'no backup is made after one that was killed');
  const left = readdirSync(folder).filter((name) => name !== 'desk.backup');
  must(left.length === 0, `a backup that was killed leaves ${left}`);
  return `${unfinished} killed: the earlier one whole, nothing left after the next`;
}

/** A backup onto a disk that is too small, over one that is good. */
async function withoutRoom(dir, bytes) {
  if (!mayMount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')) return 'without room: left out, needs root that may mount';
  const small = join(work, 'small');
  const file = join(small, 'desk.backup');
  mount(['-t', 'tmpfs'], small, '-o', `size=${Math.floor(bytes * 0.6)}`, 'tmpfs');
  const other = join(work, 'other');
  makeDesk(other, 1);
  tehprof(other, 'backup', file);
  const before = digest(file);
  const { code, said } = await backup(dir, file);
  must(code === 1 && said.split('\n').length === 1, `without room a backup ends with ${code}: ${said}`);
  must(digest(file) === before && verify(dir, file), 'the earlier backup is another one now');
  const parts = readdirSync(small).filter((name) => name !== 'desk.backup');
  run('mount', '-o', `remount,size=${bytes * 4}`, small);
  must((await backup(dir, file)).code === 0, 'no backup is made once there is room');
  must(readdirSync(small).length === 1, `it leaves ${readdirSync(small)}`);
  unmount(small);
  return `without room it ends with 1 ("${said.replace('tehprof: ', '')}"), the earlier one whole, ${parts.length ? `${parts} left until the next` : 'nothing left'}`;
}

/** A backup by the clock that ends with its server, which is killed; and the next one. */
async function scheduled(dir) {
  const folder = join(work, 'scheduled');
  run('mkdir', '-p', folder);
  const flags = ['--backup-dir', folder, '--backup-every', '24h', '--log-level', 'warn'];
  const first = await Server.start(dir, flags);
  const held = () => files(folder).reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
  for (let tries = 0; held() < 32 * MB; tries += 1) {
    must(tries < 3_000, 'no backup is begun');
    await sleep(10);
  }
  await first.kill();
  must(!readdirSync(folder).some((name) => name.endsWith('.backup')), 'a backup was there before it could be killed');
  await sleep(1_100);
  const second = await Server.start(dir, flags);
  for (let tries = 0; !readdirSync(folder).some((name) => name.endsWith('.backup')); tries += 1) {
    must(tries < 6_000, 'no backup is made after one that was killed');
    await sleep(100);
  }
  await second.stop();
  const left = readdirSync(folder).filter((name) => !name.endsWith('.backup'));
  const bytes = left.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  must(left.length === 0, `a backup by the clock that was killed leaves ${left} (${(bytes / MB).toFixed(1)} MB) beside the next`);
  return 'by the clock, killed with its server: the next is made and nothing is left';
}

export async function backups() {
  if (!can('python3')) return 'left out: needs python3';
  const [dir, folder] = [join(work, 'large'), join(work, 'backups')];
  run('mkdir', '-p', folder);
  const keys = await large(dir);
  const server = await Server.start(dir, ['--log-level', 'warn']);
  const file = join(folder, 'desk.backup');
  const { sure, took, times } = await beside(server, dir, keys, file);
  const bytes = size(dir);
  const ends = [await killed(dir, folder), await withoutRoom(dir, bytes)];
  must((await server.get('/api/health.php')).status === 200, 'the server is not well afterwards');
  const quiet = Date.now();
  tehprof(dir, 'backup', file);
  const alone = seconds(quiet);
  await server.stop();
  ends.push(await scheduled(dir));

  const restored = join(work, 'restored');
  const began = Date.now();
  tehprof(restored, 'restore', file);
  const back = seconds(began);
  // A desk that was named may have had its faults before: it has no others now.
  const [known, found] = [new Set(check(dir)), check(restored)];
  const news = found.filter((line) => !known.has(line));
  must(news.length === 0, `the restored desk is damaged: ${news[0]}`);
  const there = written(restored);
  const lost = sure.filter((subject) => !there.has(subject));
  must(lost.length === 0, `${lost.length} of ${sure.length} tickets that were acknowledged before the backup are not in it`);
  const again = await Server.start(restored);
  must((await again.get('/api/health.php')).status === 200, 'a restored desk does not answer');
  await again.stop();
  const per = (time) => (time / (bytes / GB)).toFixed(1);
  must(!long || (per(back) < 60 && per(alone) < 60), `a GB takes ${per(alone)} s to back up and ${per(back)} s to restore`);
  const [before, busy] = times.map((list) => p(list, 0.99));
  must(!long || busy <= 2 * before, `writers take ${busy.toFixed(0)} ms beside a backup, ${before.toFixed(0)} without`);
  return `${(bytes / GB).toFixed(2)} GB: a backup ${per(alone)} s/GB alone, ${per(took)} s/GB beside ${WRITERS} writers (p99 ${busy.toFixed(1)} ms, ${before.toFixed(1)} without), restored ${per(back)} s/GB with ${sure.length} acknowledged before, 0 lost; ${ends.join('; ')}`;
}
