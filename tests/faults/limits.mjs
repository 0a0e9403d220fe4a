// Too little memory and too little processor: a group that the kernel keeps within its bounds, an address space that ends.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, binary, can, isRoot, long, makeDesk, must, p, tehprof, whole, work, write } from './kit.mjs';

const MB = 1 << 20;
const groups = new Set();

/** A group of processes with bounds, of the first kind of groups; nothing where it cannot be made. */
export function group(kind, bounds) {
  const place = `/sys/fs/cgroup/${kind}/tehprof-${process.pid}-${groups.size}`;
  try {
    if (!isRoot) return null;
    mkdirSync(place);
    groups.add(place);
    for (const [name, value] of Object.entries(bounds)) writeFileSync(join(place, name), String(value));
    return place;
  } catch {
    leave(place);
    return null;
  }
}

export function leave(place) {
  try {
    rmdirSync(place);
  } catch {
    // What is not empty yet goes with the machine.
  }
  groups.delete(place);
}

/** The words that start a program in a group. */
export const within = (place) => ['sh', '-c', `echo $$ >${place}/cgroup.procs && exec "$0" "$@"`, binary];

/** Uploads so many bytes as one file. Answers status, headers and text. */
export function upload(server, who, size) {
  const mark = 'a-boundary-of-the-test';
  const head = `--${mark}\r\nContent-Disposition: form-data; name="action"\r\n\r\nupload_file\r\n--${mark}\r\nContent-Disposition: form-data; name="files[]"; filename="a.bin"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const tail = `\r\n--${mark}--\r\n`;
  return new Promise((answered, failed) => {
    const asked = request(
      { host: '127.0.0.1', port: server.port, path: '/api/admin.php', method: 'POST',
        headers: { ...who, 'content-type': `multipart/form-data; boundary=${mark}`, 'content-length': head.length + size + tail.length } },
      (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => answered({ status: reply.statusCode, headers: reply.headers, text }));
      },
    );
    asked.on('error', failed);
    asked.write(head);
    const part = Buffer.alloc(MB, 'файл');
    let left = size;
    const more = () => {
      while (left > 0) {
        const now = part.subarray(0, Math.min(left, part.length));
        left -= now.length;
        if (!asked.write(now)) return void asked.once('drain', more);
      }
      asked.end(tail);
    };
    more();
  });
}

export async function littleMemory() {
  const place = group('memory', { 'memory.limit_in_bytes': 64 * MB });
  if (!place) return 'left out: needs root and groups of the first kind with memory';
  const dir = join(work, 'memory');
  const password = 'correct horse battery';
  makeDesk(dir, 1, password);
  const server = await Server.start(dir, [], within(place));
  const admin = await server.signIn('a@acme.example', password);
  const sizes = [];
  for (let n = 0; n < (long ? 20 : 3); n += 1) {
    const reply = await upload(server, admin, 25 * MB - n);
    must(reply.status === 200, `an upload at 64 MB answers ${reply.status}: ${reply.text}`);
    sizes.push(server.memory());
  }
  const { limit, most } = { limit: 64, most: Math.max(...sizes) };
  await server.stop();
  tehprof(dir, 'check');
  leave(place);

  // Less and less room, until it ends for lack of it: whenever it ends, nothing acknowledged is lost.
  const ends = [];
  let acknowledged = 0;
  for (const megabytes of [20, 12, 8]) {
    const small = group('memory', { 'memory.limit_in_bytes': megabytes * MB });
    const tight = join(work, `tight-${megabytes}`);
    const keys = makeDesk(tight, 8);
    let said = [];
    try {
      const pressed = await Server.start(tight, [], within(small));
      const writing = write(pressed, keys, megabytes);
      await Promise.race([pressed.ended, sleep(3_000)]);
      writing.stop = true;
      const end = await Promise.race([pressed.ended, sleep(10).then(() => null)]);
      ends.push(`${megabytes} MB ${end ? end.signal ?? end.code : 'served'}`);
      await pressed.kill();
      await writing.done;
      said = writing.acknowledged;
    } catch {
      ends.push(`${megabytes} MB did not start`);
    }
    leave(small);
    acknowledged += said.length;
    await whole(tight, keys[0], said);
  }
  must(acknowledged > 0, 'nothing was acknowledged');
  return `at ${limit} MB uploads of 25 MB pass, at most ${most.toFixed(0)} MB resident; ${ends.join(', ')}: ${acknowledged} acknowledged, 0 lost`;
}

export async function endOfAddresses() {
  if (!can('prlimit')) return 'left out: needs prlimit';
  const ends = [];
  let acknowledged = 0;
  const peak = await addresses();
  for (const share of [0.6, 0.48, 0.44, 0.4]) {
    const dir = join(work, `as-${share}`);
    const keys = makeDesk(dir, 8);
    const bound = Math.floor(peak * share);
    let said = [];
    try {
      const server = await Server.start(dir, [], ['prlimit', `--as=${bound}`, binary]);
      const writing = write(server, keys, share);
      await Promise.race([server.ended, sleep(2_000)]);
      writing.stop = true;
      const end = await Promise.race([server.ended, sleep(10).then(() => null)]);
      ends.push(`${Math.round(share * 100)} % ${end ? end.signal ?? end.code : 'served'}`);
      await server.kill();
      await writing.done;
      said = writing.acknowledged;
    } catch {
      ends.push(`${Math.round(share * 100)} % did not start`);
    }
    acknowledged += said.length;
    await whole(dir, keys[0], said);
  }
  return `address space, as a share of what it takes at rest: ${ends.join(', ')}; ${acknowledged} acknowledged, 0 lost`;
}

/** How much address space a server takes up at rest. */
async function addresses() {
  const dir = join(work, 'as');
  makeDesk(dir, 1);
  const server = await Server.start(dir);
  const size = Number(readFileSync(`/proc/${server.child.pid}/status`, 'utf8').match(/VmPeak:\s+(\d+)/)[1]) * 1024;
  await server.stop();
  return size;
}

export async function littleProcessor() {
  const place = group('cpu', { 'cpu.cfs_period_us': 100_000, 'cpu.cfs_quota_us': 10_000 });
  if (!place) return 'left out: needs root and groups of the first kind with cpu';
  if (!can('python3')) return 'left out: needs python3';
  const dir = join(work, 'processor');
  const keys = makeDesk(dir, 8);
  // As systemd watches: whoever is silent for ten seconds would be killed.
  const notice = join(work, 'notify');
  const code = `
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print("bound", flush=True)
last = None
while True:
    text = s.recv(4096).decode(); now = time.monotonic()
    if "WATCHDOG=1" in text:
        if last is not None: print(now - last, flush=True)
        last = now
`;
  const watch = spawn('python3', ['-c', code, notice], { stdio: ['ignore', 'pipe', 'inherit'] });
  const silences = [];
  await new Promise((bound) => watch.stdout.on('data', (text) => {
    bound();
    silences.push(...String(text).trim().split('\n').map(Number).filter((silence) => silence > 0));
  }));
  const started = ['env', `NOTIFY_SOCKET=${notice}`, 'WATCHDOG_USEC=10000000', ...within(place)];
  const server = await Server.start(dir, [], started);
  const writing = write(server, keys, 0);
  const times = [];
  for (const until = Date.now() + (long ? 120_000 : 20_000); Date.now() < until; await sleep(100)) {
    const reply = await server.get('/api/health.php');
    must(reply.status === 200 || reply.status === 503, `health answers ${reply.status}`);
    times.push(reply.ms);
  }
  writing.stop = true;
  await writing.done;
  const { code: ended, signal } = await server.stop();
  must(ended === 0, `it ended with ${signal ?? ended}`);
  watch.kill();
  leave(place);
  const longest = Math.max(...silences);
  must(silences.length > 1 && longest < 10, `the watch heard ${silences.length} signs of life, ${longest.toFixed(1)} s apart at most`);
  await whole(dir, keys[0], writing.acknowledged);
  return `a tenth of a processor under load: ${writing.acknowledged.length} acknowledged, 0 lost; signs of life at most ${longest.toFixed(1)} s apart of the 10 that the watch allows; health p99 ${p(times, 0.99).toFixed(0)} ms`;
}

/** Nothing of a group outlives the run. */
export function leaveAll() {
  for (const place of groups) {
    spawnSync('sleep', ['0.2']);
    leave(place);
  }
}
