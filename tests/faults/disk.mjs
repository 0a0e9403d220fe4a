// Disks that are slow, have no inodes left, take no more writes, or fail when they are read.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, binary, deviceOf, disk, long, makeDesk, mayTrace, mount, must, p, running, tehprof, unmount, whole, work, write } from './kit.mjs';
import { group, leave, upload, within } from './limits.mjs';

const PASSWORD = 'correct horse battery';
const ADMIN = 'a@acme.example';
const WRITERS = 16;

/** Reads lists by a session, which has no rate, until `stop` is set. Answers how long each took. */
function readOn(server, who) {
  const state = { stop: false, times: [] };
  state.done = (async () => {
    while (!state.stop) {
      const reply = await server.call(who, 'list_tickets', { limit: 10 });
      must(reply.status === 200, `reading answers ${reply.status}: ${reply.text}`);
      state.times.push(reply.ms);
      await sleep(10);
    }
  })();
  return state;
}

/** Writers and a reader at once for so long. Answers what the writers were told, and how long reading took. */
async function loaded(server, keys, milliseconds) {
  const admin = await server.signIn(ADMIN, PASSWORD);
  const memory = [server.memory()];
  const writing = write(server, keys, 0);
  const reading = readOn(server, admin);
  for (const until = Date.now() + milliseconds; Date.now() < until; await sleep(200)) memory.push(server.memory());
  writing.stop = true;
  await writing.done;
  reading.stop = true;
  await reading.done;
  writing.refused.forEach(({ status, headers, text }) => must(status === 503 && headers['retry-after'], `a write answers ${status}: ${text}`));
  return { writing, reads: reading.times, grown: Math.max(...memory) - memory[0] };
}

/** The same under what makes the disk slow. Answers words about it. */
async function slowly(name, dir, program, milliseconds) {
  const keys = makeDesk(dir, WRITERS, PASSWORD);
  const quiet = await Server.start(dir);
  const before = await loaded(quiet, keys, milliseconds / 3);
  await quiet.stop();
  const server = await Server.start(dir, [], program);
  const { writing, reads, grown } = await loaded(server, keys, milliseconds);
  await server.stop();
  await whole(dir, keys[0], [...before.writing.acknowledged, ...writing.acknowledged]);
  must(writing.acknowledged.length > 0, 'nothing was acknowledged');
  // As slow as it is, it must have been the disk: or nothing was slow.
  const [was, now] = [p(before.writing.times, 0.5), p(writing.times, 0.5)];
  must(now > 3 * was, `writes take ${now.toFixed(0)} ms, ${was.toFixed(0)} without`);
  must(p(reads, 0.99) < 250, `reads beside it take ${p(reads, 0.99).toFixed(0)} ms`);
  must(grown < 32, `memory grows by ${grown.toFixed(0)} MB`);
  return `${name}: ${writing.acknowledged.length} acknowledged, 0 lost, writes p50 ${now.toFixed(0)} p99 ${p(writing.times, 0.99).toFixed(0)} ms, ${writing.refused.length} told to come back, reads p99 ${p(reads, 0.99).toFixed(1)} ms (${p(before.reads, 0.99).toFixed(1)} without), memory +${grown.toFixed(1)} MB`;
}

export async function slowDisk() {
  const milliseconds = long ? 60_000 : 8_000;
  const told = [];
  if (mayTrace()) {
    const flushes = 'fsync,fdatasync';
    const tracer = ['strace', '-D', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', 'signal=none', '-e', `trace=${flushes}`, '-e', `inject=${flushes}:delay_enter=300000`, binary];
    told.push(await slowly('each flush 300 ms late', join(work, 'late'), tracer, milliseconds));
  }
  const place = join(work, 'slow');
  const image = disk('slow', place, '512M');
  const device = image && readFileSync(`/sys/block/${deviceOf(place).split('/').at(-1)}/dev`, 'utf8').trim();
  const slow = device && group('blkio', { 'blkio.throttle.write_iops_device': `${device} 20` });
  if (slow) {
    told.push(await slowly('20 writes a second', join(place, 'data'), within(slow), milliseconds));
    leave(slow);
  }
  if (image) unmount(place);
  return told.length ? told.join('; ') : 'left out: needs strace, or root and groups of the first kind with blkio';
}

function useUpInodes(folder) {
  mkdirSync(folder);
  try {
    for (let n = 0; ; n += 1) writeFileSync(join(folder, String(n)), '');
  } catch (error) {
    must(error.code === 'ENOSPC', error.message);
  }
}

export async function noInodes() {
  const place = join(work, 'inodes');
  if (!disk('inodes', place, '400M', '-N', '128')) return 'left out: needs root that may mount a file, and mkfs.ext4';
  const dir = join(place, 'data');
  const [key] = makeDesk(dir, 1, PASSWORD);
  const kept = [];
  let healing = 0;
  for (let round = 0; round < (long ? 10 : 2); round += 1) {
    const server = await Server.start(dir);
    const admin = await server.signIn(ADMIN, PASSWORD);
    for (let tries = 0; !existsSync(join(dir, 'ballast')) && tries < 100; tries += 1) await sleep(100);
    const fillers = join(place, 'fillers');
    useUpInodes(fillers);
    must(statfsSync(place).ffree === 0, 'there are inodes left');
    const refused = await upload(server, admin, 100_000);
    must(refused.status === 503 && refused.headers['retry-after'], `an upload without an inode answers ${refused.status}: ${refused.text}`);
    // What needs no new file is still taken: the database and its log are there.
    for (let n = 0; n < 20; n += 1) {
      const subject = `без узлов ${round} ${n}`;
      const reply = await server.call(key, 'create_ticket', { subject, description: 'x'.repeat(4_000) });
      must(reply.status === 200, `a ticket without a file answers ${reply.status}: ${reply.text}`);
      kept.push(subject);
      must((await server.call(admin, 'list_tickets', { limit: 10 })).status === 200, 'reading does not go on');
    }
    // Killed now, it starts again: its files are all there.
    await server.kill();
    const again = await Server.start(dir);
    const session = await again.signIn(ADMIN, PASSWORD);
    must((await again.call(session, 'list_tickets', { limit: 10 })).status === 200, 'it does not read after a start without inodes');
    rmSync(fillers, { recursive: true });
    const freed = Date.now();
    for (let reply; reply?.status !== 200; await sleep(50)) {
      reply = await upload(again, session, 100_000);
      must(Date.now() - freed < 5_000, `five seconds after there is room an upload answers ${reply.status}: ${reply.text}`);
    }
    healing = Math.max(healing, Date.now() - freed);
    await again.stop();
  }
  await whole(dir, key, kept);
  unmount(place);
  return `uploads are refused with 503, ${kept.length} tickets without files are taken, 0 lost, reading 100 %, started again without inodes, uploads taken again after at most ${healing} ms`;
}

/** What a start says that must fail, and how. */
async function startFails(dir) {
  const began = Date.now();
  const server = await Server.start(dir).catch((error) => error);
  must(!(server instanceof Server), 'it starts on a disk that takes no writes');
  must(Date.now() - began < 5_000, `to see that it cannot start takes ${Date.now() - began} ms`);
  return server.message;
}

/** The file system finds itself damaged and takes no more writes from now on, as ext4 does with errors=remount-ro. */
export function breakOff(place) {
  writeFileSync(`/sys/fs/ext4/${deviceOf(place).split('/').at(-1)}/trigger_fs_error`, 'a test');
}

export async function readOnly() {
  const place = join(work, 'ro');
  const image = disk('ro', place, '400M', '-e', 'remount-ro');
  if (!image) return 'left out: needs root that may mount a file, and mkfs.ext4';
  if (!existsSync(`/sys/fs/ext4/${deviceOf(place).split('/').at(-1)}/trigger_fs_error`)) return 'left out: this kernel breaks no ext4 off on demand';
  const dir = join(place, 'data');
  const keys = makeDesk(dir, 8, PASSWORD);
  const rounds = long ? 20 : 2;
  const acknowledged = [];
  let [slowest, read] = [0, 0];
  for (let round = 0; round < rounds; round += 1) {
    const server = await Server.start(dir);
    const admin = await server.signIn(ADMIN, PASSWORD);
    const writing = write(server, keys, round);
    await sleep(500);
    writing.stop = true;
    await writing.done;
    breakOff(place);
    const began = Date.now();
    // Reading goes on until the first change is tried.
    const reply = await server.call(admin, 'list_tickets', { limit: 10 }).catch(() => null);
    if (reply?.status === 200) read += 1;
    const late = write(server, keys, `${round} после`);
    const { code, signal } = await Promise.race([server.ended, sleep(20_000).then(() => ({ code: 'still running' }))]);
    slowest = Math.max(slowest, Date.now() - began);
    late.stop = true;
    await late.done;
    must(code === 74, `it ended with ${code ?? signal}: ${server.log.slice(-400)}`);
    must(/"level":"ERROR".*cannot be written/.test(server.log), `it does not say why it ended: ${server.log.slice(-400)}`);
    must(late.acknowledged.length === 0, `${late.acknowledged.length} changes are acknowledged by a disk that takes none`);
    acknowledged.push(...writing.acknowledged);
    const said = await startFails(dir);
    must(/read-only/i.test(said), `a start says: ${said}`);
    tehprof(dir, 'check');
    tehprof(dir, 'backup', join(work, 'ro.backup'));
    unmount(place);
    // It answers 1 when it has put something right.
    spawnSync('e2fsck', ['-fy', image]);
    mount([], place, '-o', 'loop', image);
    await whole(dir, keys[0], acknowledged);
  }
  unmount(place);
  return `${rounds} times: ${acknowledged.length} acknowledged, 0 lost, nothing acknowledged afterwards; read ${read} times before the first change, ended with 74 at most ${slowest} ms later; a start says that the disk is read-only, check and backup work on it`;
}

/** Fails reads of threads that are no writer's until what is answered says so. */
function failReads(server, times) {
  const threads = readdirSync(`/proc/${server.child.pid}/task`).filter((thread) => !/sqlite-writer/.test(readFileSync(`/proc/${server.child.pid}/task/${thread}/comm`, 'utf8')));
  const tracer = spawn('strace', ['-qq', '-o', '/dev/null', ...threads.flatMap((thread) => ['-p', thread]), '-e', 'trace=pread64', '-e', `inject=pread64:error=EIO:when=1..${times}`]);
  running.add(tracer);
  return async () => {
    tracer.kill('SIGINT');
    await new Promise((gone) => tracer.on('exit', gone));
    running.delete(tracer);
  };
}

export async function failedReads() {
  if (!mayTrace()) return 'left out: needs strace, and leave to trace a program';
  const dir = join(work, 'reads');
  const keys = makeDesk(dir, 4, PASSWORD);
  const server = await Server.start(dir);
  const admin = await server.signIn(ADMIN, PASSWORD);
  const acknowledged = [];
  const answers = {};
  const ids = new Set();
  const began = Date.now();
  for (let round = 0; round < (long ? 30 : 4); round += 1) {
    const writing = write(server, keys, round);
    await sleep(200);
    writing.stop = true;
    await writing.done;
    acknowledged.push(...writing.acknowledged);
    const heal = failReads(server, 1_000);
    await sleep(300);
    for (let n = 0; n < 20; n += 1) {
      const reply = await server.call(admin, 'list_tickets', { limit: 50, page: 1 + n, search: n % 2 ? 'заявка' : undefined });
      answers[reply.status] = (answers[reply.status] ?? 0) + 1;
      if (reply.status === 500) ids.add(JSON.parse(reply.text).request_id);
      else must(reply.status === 200 || reply.status === 503, `a failed read answers ${reply.status}: ${reply.text}`);
      must(!/I\/O|sqlite|disk/i.test(reply.text.slice(0, 200)), `it tells of its insides: ${reply.text}`);
    }
    await heal();
    const { status } = await server.call(admin, 'list_tickets', { limit: 50 });
    must(status === 200, `once the disk reads again, reading answers ${status}`);
  }
  const seconds = (Date.now() - began) / 1_000;
  must(answers[500] > 0, `no read failed: ${JSON.stringify(answers)}`);
  const figures = (await server.get('/metrics')).text;
  const counted = Number(figures.match(/^tehprof_errors (\d+)/m)[1]);
  must(counted >= ids.size && ![...ids].some((id) => !server.log.includes(id)), `${ids.size} failed, ${counted} are counted`);
  await server.stop();
  await whole(dir, keys[0], acknowledged);
  return `${answers[500]} of ${Object.values(answers).reduce((a, b) => a + b)} reads answered 500 under ${ids.size} ids, ${counted} counted; the server lived on for ${seconds.toFixed(0)} s and reads again at once; ${acknowledged.length} acknowledged, 0 lost`;
}
