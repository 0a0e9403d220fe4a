// A short look at speed, for information: requests per second and latency over HTTP on the demo desk, next to the
// server's cheapest answer on the same machine in the same run. It reports and never judges: machines differ.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

const binary = process.argv[2] ?? 'target/x86_64-unknown-linux-gnu/release/tehprof';
const seconds = Number(process.argv[3] ?? 2);
const connections = 16;

const dir = mkdtempSync(join(tmpdir(), 'tehprof-bench-'));

/** Starts a server and tells when it answered first. */
async function serve(...flags) {
  const began = performance.now();
  const child = spawn(binary, ['serve', '--data-dir', dir, '--listen', '127.0.0.1:0', '--log-level', 'warn', ...flags]);
  let said = '';
  const address = await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    child.stdout.on('data', (data) => {
      said += data;
      const found = /^listening on (\S+)$/m.exec(said);
      if (found) resolve(found[1]);
    });
  });
  await fetch(`${address}/api/health.php`);
  const ready = performance.now() - began;
  const stop = () => new Promise((resolve) => { child.removeAllListeners('exit'); child.once('exit', resolve); child.kill('SIGTERM'); });
  return { address, said, ready, pid: child.pid, stop };
}

const resident = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

/** Calls over kept connections for a while; each connection sends its next call when it has its answer. */
async function load(address, path, headers, body) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const url = new URL(path, address);
  const times = [];
  const until = performance.now() + seconds * 1000;
  const call = () => new Promise((resolve, reject) => {
    const began = performance.now();
    const sent = request(url, { agent, method: body ? 'POST' : 'GET', headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${path} answered ${answer.statusCode}`));
      answer.resume();
      answer.once('end', () => { times.push(performance.now() - began); resolve(); });
    });
    sent.once('error', reject);
    sent.end(body?.());
  });
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, async () => { while (performance.now() < until) await call(); }));
  const elapsed = (performance.now() - began) / 1000;
  agent.destroy();
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.floor((times.length - 1) * part)];
  return { rate: times.length / elapsed, p50: at(0.5), p99: at(0.99) };
}

try {
  const first = await serve('--demo');
  const login = /^ {2}(\S+@\S+)/m.exec(first.said)[1];
  const idle = resident(first.pid);
  // A session is not counted against the rate of a plan's keys.
  const signed = await fetch(`${first.address}/api/admin.php/admin_login`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ login, password: 'demo-demo-demo' }),
  });
  const headers = { 'content-type': 'application/json', cookie: signed.headers.get('set-cookie').split(';')[0] };
  const post = (action, input) => ['/api/admin.php/' + action, headers, () => JSON.stringify(input)];
  let n = 0;
  const rows = [
    ['icon.svg (the floor)', '/icon.svg', {}, undefined],
    ['list_tickets, 30 rows', ...post('list_tickets', { status: 'active' })],
    ['list_tickets, search', ...post('list_tickets', { search: 'принтер' })],
    ['get_ticket', ...post('get_ticket', { ticket_id: 42 })],
    ['dashboard', ...post('dashboard', {})],
    ['create_ticket, on disk', '/api/admin.php/create_ticket', headers, () => JSON.stringify({ subject: `Заявка ${++n}`, description: 'Не печатает принтер в бухгалтерии' })],
  ];
  console.log(`${connections} connections, ${seconds} s each`);
  let floor = 0;
  for (const [name, path, head, body] of rows) {
    const { rate, p50, p99 } = await load(first.address, path, head, body);
    floor ||= rate;
    console.log(`${name.padEnd(24)} ${rate.toFixed(0).padStart(7)}/s  p50 ${p50.toFixed(2).padStart(6)} ms  p99 ${p99.toFixed(2).padStart(6)} ms  ${(100 * rate / floor).toFixed(0).padStart(4)} % of the floor`);
  }
  console.log(`memory: idle with the demo ${idle.toFixed(1)} MB, after this load ${resident(first.pid).toFixed(1)} MB`);
  await first.stop();
  const second = await serve();
  console.log(`start to first answer: ${first.ready.toFixed(0)} ms making the demo, ${second.ready.toFixed(0)} ms on an existing desk`);
  console.log(`binary: ${(statSync(binary).size / 1e6).toFixed(1)} MB`);
  await second.stop();
} finally {
  rmSync(dir, { recursive: true, force: true });
}
