// Work for a long time: tickets, answers, searches, lists and files at fifty requests a second, while memory, descriptors, threads
// and the log of writes are watched. The short form runs for a minute, the long one for as many hours as
// TEHPROF_SOAK_HOURS says (2).
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, long, makeDesk, must, p, tehprof, work } from './kit.mjs';

const RATE = 50;
const HOURS = Number(process.env.TEHPROF_SOAK_HOURS ?? 2);
const LOG_LIMIT = 64 * (1 << 20);

/** The growth a second of values that were measured at times in seconds: the line that fits them best. */
function slope(points) {
  const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [at, value] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const spread = points.reduce((sum, [x]) => sum + (x - at) ** 2, 0);
  return spread ? points.reduce((sum, [x, y]) => sum + (x - at) * (y - value), 0) / spread : 0;
}

function look(server, dir) {
  const status = readFileSync(`/proc/${server.child.pid}/status`, 'utf8');
  return {
    memory: server.memory(),
    descriptors: readdirSync(`/proc/${server.child.pid}/fd`).length,
    threads: Number(status.match(/Threads:\s+(\d+)/)[1]),
    log: statSync(join(dir, 'tehprof.db-wal')).size,
  };
}

/** One request of the mix. Answers how it went. */
async function one(server, keys, state, n) {
  const key = keys[n % keys.length];
  const ticket = state.tickets[n % state.tickets.length];
  const kinds = [
    () => server.call(key, 'create_ticket', { subject: `работа ${n}`, description: 'Касса не печатает чек' }),
    () => server.call(key, 'list_tickets', { limit: 20 }),
    () => server.call(key, 'list_tickets', { search: `работа ${n % 97}`, limit: 20 }),
    () => server.call(key, 'get_ticket', { ticket_id: ticket }),
    () => server.call(key, 'update_ticket', { ticket_id: ticket, priority: ['low', 'normal', 'urgent'][n % 3] }),
  ];
  const reply = await kinds[ticket ? n % kinds.length : 0]();
  if (n % kinds.length === 0 && reply.status === 200) {
    state.tickets.push(JSON.parse(reply.text).data.id);
    state.acknowledged += 1;
    if (state.tickets.length > 500) state.tickets.shift();
  }
  state.answers[reply.status] = (state.answers[reply.status] ?? 0) + 1;
  if (reply.status !== 200) throw new Error(reply.text);
  state.times.push(reply.ms);
  return reply;
}

export async function soak() {
  const seconds = long ? HOURS * 3_600 : 60;
  const warm = long ? Math.min(3_600, seconds / 2) : 20;
  const dir = join(work, 'soak');
  const keys = makeDesk(dir, 40);
  const server = await Server.start(dir);
  const state = { tickets: [], acknowledged: 0, answers: {}, times: [] };
  const seen = [];
  const parts = [];
  const began = Date.now();
  const failures = [];
  for (let n = 0; Date.now() - began < seconds * 1_000; n += 1) {
    one(server, keys, state, n).catch((error) => failures.push(error.message));
    const due = began + ((n + 1) * 1_000) / RATE;
    if (due > Date.now()) await sleep(due - Date.now());
    if (n % (RATE * (long ? 10 : 1)) === 0) seen.push([(Date.now() - began) / 1_000, look(server, dir)]);
    if (n % (RATE * 30) === RATE * 30 - 1) parts.push(p(state.times.splice(0), 0.99));
    must(failures.length === 0, failures[0]);
  }
  const steady = seen.filter(([at]) => at >= warm);
  const growth = (what) => (slope(steady.map(([at, there]) => [at, there[what]])) * 3_600 * 100) / steady[0][1][what];
  const log = Math.max(...seen.map(([, there]) => there.log));
  const last = steady.at(-1)[1];
  const descriptors = steady.map(([, there]) => there.descriptors);
  await server.stop();
  const checked = tehprof(dir, 'check');
  must(log <= LOG_LIMIT, `the log of writes grew to ${(log / (1 << 20)).toFixed(0)} MB`);
  must(Math.max(...descriptors) - Math.min(...descriptors) <= 60, `descriptors go from ${Math.min(...descriptors)} to ${Math.max(...descriptors)}`);
  must(Number(checked.match(/tickets (\d+)/)[1]) >= state.acknowledged, `acknowledged ${state.acknowledged}: ${checked}`);
  const more = last.memory - steady[0][1].memory;
  const tenths = Array.from({ length: 11 }, (_, n) => seen[Math.round(((seen.length - 1) * n) / 10)][1].memory.toFixed(1)).join(' ');
  // Minutes say nothing of an hour: less than that bounds what is added, an hour and more the slope.
  if (seconds >= 3_600) must(growth('memory') < 1, `memory grows by ${growth('memory').toFixed(2)} % an hour: ${tenths} MB`);
  else must(more < 24, `memory grew by ${more.toFixed(1)} MB in ${seconds} s: ${tenths} MB`);
  const answers = Object.entries(state.answers).map(([status, times]) => `${times} × ${status}`).join(', ');
  return `${seconds} s at ${RATE} requests a second (${answers}): memory ${steady[0][1].memory.toFixed(1)} to ${last.memory.toFixed(1)} MB after ${warm} s (each tenth: ${tenths}), ${long ? `${growth('memory').toFixed(2)} % an hour, ` : ''}descriptors ${Math.min(...descriptors)} to ${Math.max(...descriptors)}, log of writes at most ${(log / (1 << 20)).toFixed(1)} MB, p99 of each half minute ${parts.map((time) => time.toFixed(0)).join(' ')} ms`;
}
