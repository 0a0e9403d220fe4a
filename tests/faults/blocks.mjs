// Blocks below the file system: every write and flush that ext4 itself makes under the server is written down by a daemon of QEMU
// that plays the disk, and states are made of it that a power cut may leave: all that was flushed, and of what was not, any part.
// Each is mounted, so that ext4 recovers first, and then looked at by the program; what was acknowledged before must be in it.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dice } from './crash.mjs';
import { Server, can, disk, long, makeDesk, mount, mounted, must, quick, running, unmount, work } from './kit.mjs';
import { Reader, wrong } from './states.mjs';

const SIZE = '128M';
const WRITERS = 6;
const [FLUSH, FUA, DISCARD] = [1, 2, 4];

/** The image as a file whose every write goes into a log as well. */
async function watched(image, log, file) {
  writeFileSync(file, '');
  writeFileSync(log, '');
  const nodes = [
    `driver=file,node-name=image,filename=${image}`,
    `driver=file,node-name=log,filename=${log}`,
    'driver=blklogwrites,node-name=both,file=image,log=log',
  ].flatMap((node) => ['--blockdev', node]);
  const daemon = spawn('qemu-storage-daemon', [...nodes, '--export', `type=fuse,id=export,node-name=both,mountpoint=${file},writable=on`], { stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(daemon);
  let said = '';
  daemon.stderr.on('data', (text) => (said += text));
  const gone = new Promise((done) => daemon.on('exit', done));
  for (let tries = 0; statSync(file).size === 0; tries += 1) {
    must(tries < 100 && daemon.exitCode === null, `the disk cannot be played: ${said}`);
    await sleep(50);
  }
  mounted.add(file);
  const end = async () => {
    daemon.kill('SIGTERM');
    await gone;
    running.delete(daemon);
    spawnSync('umount', [file]);
    mounted.delete(file);
  };
  return { end };
}

/** The entries of a log of writes (of dm-log-writes, version 1): where, what, and where it ends in the log. */
function entries(file) {
  const log = readFileSync(file);
  const [count, sector] = [Number(log.readBigUInt64LE(16)), log.readUInt32LE(24)];
  must(log.readBigUInt64LE(0) === 0x6a736677736872n, 'this is no log of writes');
  const found = [];
  for (let at = sector, n = 0; n < count; n += 1) {
    const [where, sectors, flags] = [0, 8, 16].map((offset) => Number(log.readBigUInt64LE(at + offset)));
    const begin = at + sector;
    const end = flags & DISCARD ? begin : begin + sectors * sector;
    found.push({ offset: where * sector, flags, bytes: log.subarray(begin, end), end });
    at = end;
  }
  return found;
}

/** Tickets by every key at once. Each is noted with how long the log was when it was acknowledged. */
async function load(server, keys, log, until) {
  const acknowledged = [];
  await Promise.all(keys.map(async (key, writer) => {
    for (let n = 0; Date.now() < until; n += 1) {
      const subject = `блок ${writer}-${n}`;
      const reply = await server.call(key, 'create_ticket', { subject, description: 'x'.repeat(300 + 700 * (n % 5)) });
      if (reply.status === 200) acknowledged.push({ subject, at: statSync(log).size });
    }
  }));
  return acknowledged;
}

/** Puts states into `image`, one after the other, and hands each with where in the log it was cut to `look`. A `liar` is a disk
 * that flushes nothing. */
async function eachCut(start, writes, { count, seed, image, liar = false }, look) {
  const roll = dice(seed);
  const cuts = Array.from({ length: count }, () => 1 + Math.floor(roll() * writes.length)).toSorted((a, b) => a - b);
  const sure = Buffer.from(start);
  let flushed = 0;
  for (const [n, cut] of cuts.entries()) {
    let last = flushed;
    for (let at = flushed; at < cut && !liar; at += 1) if (writes[at].flags & FLUSH) last = at + 1;
    for (; flushed < last; flushed += 1) writes[flushed].bytes.copy(sure, writes[flushed].offset);
    const state = Buffer.from(sure);
    const mode = ['none', 'all', 'some', 'some'][Math.floor(roll() * 4)];
    for (const { flags, bytes, offset } of writes.slice(flushed, cut)) {
      if (flags & FUA || mode === 'all' || (mode === 'some' && roll() < 0.5)) bytes.copy(state, offset);
    }
    writeFileSync(image, state);
    await look(n, writes[cut - 1].end);
  }
}

/** What is wrong with a state once ext4 has recovered it, if something is. */
async function look(reader, image, place, expected, serve) {
  if (spawnSync('mount', ['-o', 'loop', image, place]).status !== 0) return 'the file system cannot be mounted';
  mounted.add(place);
  try {
    const dir = join(place, 'data');
    if (!existsSync(dir)) return 'the data directory is gone';
    const found = await wrong(reader, dir, expected);
    if (!found && serve) {
      const server = await Server.start(dir);
      must((await server.get('/api/health.php')).status === 200, 'a state is not served');
      await server.kill();
    }
    return found;
  } finally {
    unmount(place);
  }
}

export async function reorderedBlocks() {
  if (!can('qemu-storage-daemon') || !existsSync('/dev/fuse')) return 'left out: needs qemu-storage-daemon and /dev/fuse';
  if (!can('python3')) return 'left out: needs python3';
  const [place, log, file] = [join(work, 'blocks'), join(work, 'blocks.log'), join(work, 'blocks.disk')];
  const image = disk('blocks', place, SIZE);
  if (!image) return 'left out: needs root that may mount a file, and mkfs.ext4';
  const keys = makeDesk(join(place, 'data'), WRITERS);
  unmount(place);
  const start = join(work, 'blocks.start');
  copyFileSync(image, start);

  const played = await watched(image, log, file);
  mount([], place, '-o', 'loop', file);
  const server = await Server.start(join(place, 'data'));
  const acknowledged = await load(server, keys, log, Date.now() + (long ? 10_000 : 2_000));
  await server.stop();
  unmount(place);
  await played.end();
  const writes = entries(log);
  must(acknowledged.length > 0, 'nothing was acknowledged');

  const crashed = join(quick, 'crashed.img');
  const states = join(work, 'crashed');
  mkdirSync(states);
  const reader = new Reader();
  const [count, seed] = [long ? 150 : 6, Math.floor(Math.random() * 2 ** 31)];
  const bytes = readFileSync(start);
  let served = 0;
  await eachCut(bytes, writes, { count, seed, image: crashed }, async (n, end) => {
    const expected = acknowledged.filter(({ at }) => at <= end).map(({ subject }) => subject);
    const serve = n % 30 === 5;
    const found = await look(reader, crashed, states, expected, serve);
    must(!found, `state ${n} of seed ${seed}: ${found}`);
    served += Number(serve);
  });
  // The same on a disk that flushes nothing must lose something, or this could not have found it.
  const tries = long ? 20 : 6;
  let spoilt = 0;
  await eachCut(bytes, writes, { count: tries, seed, image: crashed, liar: true }, async (n, end) => {
    const expected = acknowledged.filter(({ at }) => at <= end).map(({ subject }) => subject);
    if (await look(reader, crashed, states, expected, false)) spoilt += 1;
  });
  reader.end();
  rmSync(crashed);
  must(spoilt > tries / 4, `a disk that flushes nothing spoils only ${spoilt} of ${tries} states`);
  const flushes = writes.filter(({ flags }) => flags & FLUSH).length;
  return `${count} states of ${writes.length} writes with ${flushes} flushes, ${acknowledged.length} acknowledged: 0 lost, 0 damaged, every one mounted, ${served} served; a disk that flushes nothing spoils ${spoilt} of ${tries}`;
}
