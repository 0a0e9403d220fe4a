// What every fault needs: the binary, a desk, a server, writers that remember what was acknowledged, mounts that are undone.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [named, ...flags] = process.argv.slice(2);
if (!named) {
  console.error('node tests/faults.mjs BINARY [--long] [--only WORD]');
  process.exit(2);
}
export const binary = resolve(named);
export const long = flags.includes('--long');
export const only = flags.includes('--only') ? flags[flags.indexOf('--only') + 1] : '';
export const work = mkdtempSync(join(tmpdir(), 'tehprof-faults-'));
/** A folder in memory where there is one, for what is looked at and thrown away. */
export const quick = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/tehprof-faults-') : work;
export const mounted = new Set();
export const running = new Set();

export function must(holds, what) {
  if (!holds) throw new Error(what);
}

/** Runs a program that must succeed. */
export function run(program, ...list) {
  return execFileSync(program, list, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export const can = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
export const isRoot = process.getuid() === 0;

/** Whether something may be mounted here: root of a container often may not. */
export function mayMount(...list) {
  const place = join(work, 'probe');
  mkdirSync(place, { recursive: true });
  const may = isRoot && spawnSync('mount', [...list, place]).status === 0;
  if (may) spawnSync('umount', [place]);
  return may;
}

/** Whether a running program may be traced. */
export function mayTrace() {
  if (!can('strace')) return false;
  const traced = spawn('sleep', ['5']);
  // Whoever may not trace is told so at once; whoever may is still at it when the time is up.
  const { error } = spawnSync('strace', ['-qq', '-o', '/dev/null', '-p', String(traced.pid)], { timeout: 500, stdio: 'ignore' });
  traced.kill();
  return error?.code === 'ETIMEDOUT';
}

export function tehprof(dir, ...list) {
  return run(binary, ...list, '--data-dir', dir).trim();
}

/** A desk with one tenant and a key for each writer, so that no rate limit slows them down. */
export function makeDesk(dir, writers, password = 'correct horse battery') {
  const list = ['--name', 'acme', '--domain', 'acme', '--admin-email', 'a@acme.example', '--admin-password-stdin'];
  execFileSync(binary, ['tenant', 'create', '--data-dir', dir, ...list], { input: password });
  return Array.from({ length: writers }, (_, n) =>
    tehprof(dir, 'key', 'create', '--tenant', 'acme', '--name', `writer ${n}`, '--scopes', 'read,write,tickets', '--operator', 'a@acme.example'),
  );
}

/** A running server. */
export class Server {
  /** Starts it, by other words than its own name where it runs under something else. */
  static async start(dir, list = [], [program, ...before] = [binary]) {
    const server = new Server();
    server.began = Date.now();
    server.child = spawn(program, [...before, 'serve', '--data-dir', dir, '--listen', '127.0.0.1:0', '--log-format', 'json', ...list], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(server.child);
    server.log = '';
    server.child.stderr.on('data', (text) => (server.log += text));
    server.ended = new Promise((done) => server.child.on('exit', (code, signal) => done({ code, signal })));
    server.ended.then(() => running.delete(server.child));
    server.port = await new Promise((listening, failed) => {
      let said = '';
      server.child.stdout.on('data', (text) => {
        said += text;
        const found = said.match(/listening on https?:\/\/127\.0\.0\.1:(\d+)/);
        if (found) listening(Number(found[1]));
      });
      server.ended.then(() => failed(new Error(`the server did not start: ${server.log}`)));
    });
    server.agent = new Agent({ keepAlive: true });
    return server;
  }

  /** Signs in, and answers what the session's calls bear. */
  async signIn(login, password) {
    const reply = await this.call({}, 'admin_login', { login, password });
    must(reply.status === 200, reply.text);
    return { cookie: reply.headers['set-cookie'][0].split(';')[0] };
  }

  /** One call of the API by a key or with headers: its status, its body, how long it took. */
  call(who, action, fields = {}, path = '/api/admin.php') {
    const began = performance.now();
    return new Promise((answered, failed) => {
      const body = JSON.stringify({ action, ...fields });
      const asked = request(
        { host: '127.0.0.1', port: this.port, path, method: who ? 'POST' : 'GET', agent: this.agent,
          headers: who ? { 'content-type': 'application/json', ...(typeof who === 'string' ? { 'x-api-key': who } : who) } : {} },
        (reply) => {
          let text = '';
          reply.setEncoding('utf8');
          reply.on('data', (part) => (text += part));
          reply.on('end', () => answered({ status: reply.statusCode, headers: reply.headers, text, ms: performance.now() - began }));
          reply.on('error', failed);
        },
      );
      asked.on('error', failed);
      asked.end(who ? body : undefined);
    });
  }

  get(path) {
    return this.call(null, '', {}, path);
  }

  memory() {
    return Number(readFileSync(`/proc/${this.child.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024;
  }

  async stop() {
    this.child.kill('SIGTERM');
    return this.ended;
  }

  async kill() {
    this.child.kill('SIGKILL');
    return this.ended;
  }
}

/** One call with a file, by a key or with headers. Answers status and text. */
export function withFile(server, who, fields, name, bytes) {
  const mark = 'a-boundary-of-the-test';
  const parts = Object.entries(fields).map(([field, value]) => `--${mark}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`);
  const file = `--${mark}\r\nContent-Disposition: form-data; name="files[]"; filename="${name}"\r\nContent-Type: text/plain\r\n\r\n${bytes}\r\n--${mark}--\r\n`;
  const headers = { ...(typeof who === 'string' ? { 'x-api-key': who } : who), 'content-type': `multipart/form-data; boundary=${mark}` };
  return new Promise((answered, failed) => {
    const asked = request({ host: '127.0.0.1', port: server.port, path: '/api/admin.php', method: 'POST', agent: server.agent, headers }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => answered({ status: reply.statusCode, text }));
    });
    asked.on('error', failed);
    asked.end(`${parts.join('')}${file}`);
  });
}

/** Every file below a folder. */
export const files = (folder) => readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]));

/** Opens tickets by every key at once until `stop` is set or the server is gone. Answers the subjects it acknowledged, how long
 * each took, and every other answer. */
export function write(server, keys, round) {
  const acknowledged = [];
  const state = { stop: false, acknowledged, times: [], refused: [] };
  state.done = Promise.all(
    keys.map(async (key, writer) => {
      for (let n = 0; !state.stop; n += 1) {
        const subject = `раунд ${round} писатель ${writer} заявка ${n}`;
        try {
          const reply = await server.call(key, 'create_ticket', { subject, description: 'x'.repeat(400) });
          if (reply.status === 200) {
            acknowledged.push(subject);
            state.times.push(reply.ms);
          } else if (reply.status === 429) await sleep(5);
          else state.refused.push(reply);
        } catch {
          return;
        }
      }
    }),
  );
  return state;
}

/** Every subject that is there now. */
export async function subjects(server, key) {
  const found = new Set();
  for (let page = 1; ; page += 1) {
    let reply = await server.call(key, 'list_tickets', { page, limit: 100 });
    while (reply.status === 429) {
      await sleep(200);
      reply = await server.call(key, 'list_tickets', { page, limit: 100 });
    }
    const { tickets } = JSON.parse(reply.text).data;
    tickets.forEach((ticket) => found.add(ticket.subject));
    if (tickets.length < 100) return found;
  }
}

export const p = (times, share) => times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))];

export function mount(kind, place, ...list) {
  mkdirSync(place, { recursive: true });
  run('mount', ...kind, ...list, place);
  mounted.add(place);
}

export function unmount(place) {
  run('umount', place);
  mounted.delete(place);
}

/** A file system in a file of its own, which is mounted; or nothing, where that may not be. Answers the file. */
export function disk(name, place, size, ...how) {
  const image = join(work, `${name}.img`);
  if (!can('mkfs.ext4')) return null;
  run('truncate', '-s', size, image);
  run('mkfs.ext4', '-q', '-F', ...how, image);
  if (!mayMount('-o', 'loop', image)) return null;
  mount([], place, '-o', 'loop', image);
  return image;
}

/** The device under a mounted place. */
export const deviceOf = (place) => run('findmnt', '-no', 'SOURCE', place).trim();

/** Looks, without what was wrong, whether everything is there that was acknowledged, and nothing of what was refused. */
export async function whole(dir, key, acknowledged, refused = []) {
  const server = await Server.start(dir);
  const there = await subjects(server, key);
  const lost = acknowledged.filter((subject) => !there.has(subject));
  must(lost.length === 0, `${lost.length} of ${acknowledged.length} acknowledged tickets are gone, ${there.size} are there: ${lost.slice(0, 3)}`);
  const kept = refused.filter((subject) => there.has(subject));
  must(kept.length === 0, `${kept.length} refused tickets are there: ${kept.slice(0, 3)}`);
  await server.stop();
  tehprof(dir, 'check');
}

/** Cuts a file system off from its disk, as a power cut does: what was not flushed is gone. */
export function cut(place) {
  const code = 'import fcntl,os,struct,sys; fcntl.ioctl(os.open(sys.argv[1],0),0x8004587d,struct.pack("I",2))';
  run('python3', '-c', code, place);
}

/** Ends what still runs and takes away what was made. */
export function clean() {
  for (const child of running) child.kill('SIGKILL');
  for (const place of mounted) spawnSync('umount', ['-l', place]);
  for (const place of [work, quick]) rmSync(place, { recursive: true, force: true });
}
