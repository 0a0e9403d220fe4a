// What idle live connections cost: opens many WebSockets of one operator and reports the server's memory before, with them,
// and after they are gone. It reports and never judges. `node tests/idle.mjs [BINARY] [N]`, with as many descriptors as the
// shell gives: `ulimit -n` bounds N.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const binary = process.argv[2] ?? 'target/x86_64-unknown-linux-gnu/release/tehprof';
const wanted = Number(process.argv[3] ?? 10_000);
const dir = mkdtempSync(join(tmpdir(), 'tehprof-idle-'));
const child = spawn(binary, ['serve', '--demo', '--data-dir', dir, '--listen', '127.0.0.1:0', '--log-level', 'warn'], { stdio: ['ignore', 'pipe', 'inherit'] });
const resident = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024;

try {
  let said = '';
  const origin = await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    child.stdout.on('data', (data) => { said += data; const found = /^listening on (\S+)$/m.exec(said); if (found) resolve(new URL(found[1])); });
  });
  const login = /^ {2}(\S+@\S+)/m.exec(said)[1];
  const signed = await fetch(new URL('/api/admin.php/admin_login', origin), {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ login, password: 'demo-demo-demo' }),
  });
  const cookie = signed.headers.get('set-cookie').split(';')[0];
  await sleep(2000);
  const before = resident();

  /** Opens one and resolves when the server has greeted it. */
  const open = () => new Promise((resolve, reject) => {
    const socket = connect(Number(origin.port), origin.hostname);
    socket.once('error', reject);
    socket.once('connect', () => socket.write([
      'GET /api/live HTTP/1.1', `Host: ${origin.host}`, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`, `Cookie: ${cookie}`, `Origin: ${origin.origin}`, '', '',
    ].join('\r\n')));
    socket.once('data', (head) => (String(head).startsWith('HTTP/1.1 101') ? resolve(socket) : reject(new Error(String(head).split('\r\n')[0]))));
  });
  const sockets = [];
  let refused;
  while (sockets.length < wanted && !refused) {
    const batch = await Promise.allSettled(Array.from({ length: Math.min(100, wanted - sockets.length) }, open));
    for (const one of batch) { if (one.status === 'fulfilled') sockets.push(one.value); else refused = one.reason; }
  }
  await sleep(2000);
  const during = resident();
  if (refused) console.log(`stopped at ${sockets.length}: ${refused.message}`);
  console.log(`${sockets.length} idle live connections: ${before.toFixed(1)} MB before, ${during.toFixed(1)} MB with them, ${((during - before) * 1024 / Math.max(1, sockets.length)).toFixed(1)} kB each`);
  for (const socket of sockets) { socket.removeAllListeners('error'); socket.on('error', () => {}); socket.destroy(); }
  await sleep(3000);
  console.log(`${resident().toFixed(1)} MB after they are gone`);
} finally {
  child.removeAllListeners('exit');
  child.kill('SIGTERM');
  await new Promise((resolve) => { child.once('exit', resolve); });
  rmSync(dir, { recursive: true, force: true });
}
