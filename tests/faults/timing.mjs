// How long a refusal takes, by what was wrong: whoever can tell two refusals apart by the clock learns what exists. Two kinds of
// calls are sent in random order over one kept connection, and Welch's t-test says whether their times are of one kind. The slowest
// tenth or half of all is left out, since it is the machine's own (as dudect does). TEHPROF_SAMPLES says how many calls a pair
// gets (100,000 in the long form).
import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Server, binary, long, makeDesk, must, p, work } from './kit.mjs';

const PASSWORD = 'correct horse battery';
const ADMIN = 'a@acme.example';
/** From here on two kinds are told apart, beyond chance. */
const TOLD_APART = 4.5;
/** Wrong guesses that a site takes from anybody before it lets all of them wait, and those at one ticket. */
const [A_SITE, A_TICKET] = [900, 25];
const SITES = long ? 20 : 1;

/** One connection that is kept, on which one call follows the other. */
class Kept {
  constructor(port) {
    this.port = port;
    this.socket = connect(port, '127.0.0.1').setNoDelay(true);
    this.held = Buffer.alloc(0);
    this.socket.on('data', (bytes) => {
      this.held = this.held.length ? Buffer.concat([this.held, bytes]) : bytes;
      const end = this.held.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.held.latin1Slice(0, end);
      if (this.held.length < end + 4 + Number(head.match(/content-length: (\d+)/i)?.[1])) return;
      const took = performance.now() - this.began;
      const text = this.held.toString('utf8', end + 4);
      this.held = Buffer.alloc(0);
      this.answered({ status: Number(head.slice(9, 12)), text, took });
    });
    this.socket.on('close', () => this.failed?.(new Error('the server closed the connection')));
  }

  ask({ path = '/api/admin.php', headers = {}, ...fields }) {
    const body = JSON.stringify(fields);
    const own = Object.entries({ 'x-forwarded-for': address(), ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    const call = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${own.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    return new Promise((answered, failed) => {
      [this.answered, this.failed] = [answered, failed];
      this.began = performance.now();
      this.socket.write(call);
    });
  }

  end() {
    this.failed = null;
    this.socket.destroy();
  }
}

/** Whoever asks is somebody else each time: what is measured is not how long the throttle lets wait. */
const address = () => `10.${[...randomBytes(3)].map((part) => 100 + (part % 100)).join('.')}`;

const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
const variance = (list, middle) => list.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (list.length - 1);

/** Welch's t of two lists of times, of both only what is faster than so large a part of all, and the difference that would just
 * be told. */
function welch(one, other, part) {
  const bound = p([...one, ...other], part);
  const lists = [one, other].map((list) => list.filter((time) => time < bound));
  if (lists.some((list) => list.length < 2)) return { t: 0, apart: 0, least: Infinity };
  const means = lists.map(mean);
  const error = Math.sqrt(lists.reduce((sum, list, n) => sum + variance(list, means[n]) / list.length, 0));
  return { t: (means[0] - means[1]) / error, apart: means[0] - means[1], least: TOLD_APART * error };
}

/** The larger t of the faster nine tenths and the faster half: on a busy machine the slower half says little. */
function compare([one, other]) {
  const both = [0.9, 0.5].map((part) => welch(one, other, part));
  return both.toSorted((a, b) => Math.abs(b.t) - Math.abs(a.t))[0];
}

/** Sends so many calls of two kinds in random order. Adds how long each took to `times`. */
async function mix(kept, kinds, samples, times, expected) {
  for (let n = -50; n < samples; n += 1) {
    const kind = randomInt(2);
    // Both are made, so that what comes before the clock starts is alike.
    const call = kinds.map((make) => make(Math.max(n, 0)))[kind];
    const { status, text, took } = await kept.ask(call);
    must(expected.includes(status), `${JSON.stringify(call)} answers ${status}: ${text}`);
    if (n >= 0) times[kind].push(took);
  }
}

const letters = (length) => randomBytes(length).toString('hex').slice(0, length);
/** A secret like another, but for its end. */
const spoilt = (secret) => secret.slice(0, -8) + letters(8);
const start = (dir) => Server.start(dir, ['--trusted-proxies', '127.0.0.1', '--log-level', 'error']);

/** Sites with tickets that visitors opened. */
async function makeSites(dir) {
  for (let n = 1; n <= SITES; n += 1) {
    const list = ['--name', `site ${n}`, '--domain', `site${n}`, '--admin-email', `s${n}@site.example`, '--admin-password-stdin'];
    execFileSync(binary, ['tenant', 'create', '--data-dir', dir, ...list], { input: PASSWORD });
  }
  const server = await start(dir);
  const kept = new Kept(server.port);
  const sites = [];
  for (const login of [ADMIN, ...Array.from({ length: SITES }, (_, n) => `s${n + 1}@site.example`)]) {
    const admin = await server.signIn(login, PASSWORD);
    const settings = await server.call(admin, 'get_widget_settings');
    const site = { key: JSON.parse(settings.text).data.api_key, tickets: [] };
    for (let n = 0; n < Math.ceil(A_SITE / A_TICKET); n += 1) {
      const reply = await kept.ask({ path: '/api/widget.php', action: 'create_ticket', api_key: site.key, name: 'Асем', email: `v${n}@site.example`, description: 'Где мой заказ?' });
      must(reply.status === 200, reply.text);
      site.tickets.push(JSON.parse(reply.text).data);
    }
    sites.push(site);
  }
  kept.end();
  await server.stop();
  return sites;
}

/** Calls of a widget about a ticket at one of the sites, in turn. */
function guesses([elsewhere, ...sites]) {
  const at = (n) => sites[n % sites.length];
  const ask = (n, fields) => ({ path: '/api/widget.php', action: 'check_status', api_key: at(n).key, ...fields });
  const one = (site) => site.tickets[randomInt(site.tickets.length)];
  const email = () => `${letters(8)}@site.example`;
  const unknown = (n) => ask(n, { ticket_id: randomInt(200_000_000_000, 281_000_000_000_000), email: email() });
  const token = (reference) => `wt_${reference}_${randomBytes(32).toString('base64url')}`;
  return {
    unknown,
    address: (n) => ask(n, { ticket_id: one(at(n)).ticket_id, email: email() }),
    foreign: (n) => ask(n, { ticket_id: one(elsewhere).ticket_id, email: email() }),
    madeUp: (n) => ask(n, { ticket_token: token(one(at(n)).ticket_id) }),
    ofAnother: (n) => ask(n, { ticket_token: one(elsewhere).ticket_token }),
  };
}

export async function timing() {
  const dir = join(work, 'timing');
  const [key] = makeDesk(dir, 1, PASSWORD);
  const sites = await makeSites(dir);
  const widget = guesses(sites);
  const many = Number(process.env.TEHPROF_SAMPLES ?? (long ? 100_000 : 4_000));
  const [few, guessed] = long ? [Math.ceil(many / 25), many] : [100, 900];
  let server = await start(dir);
  const { cookie } = await server.signIn(ADMIN, PASSWORD);
  const [name, session] = cookie.split('=');
  const byKey = (value) => ({ action: 'list_tickets', headers: { 'x-api-key': value } });
  const bySession = (value) => ({ action: 'list_tickets', headers: { cookie: `${name}=${value}` } });
  const byLogin = (login) => ({ action: 'admin_login', login, password: letters(12) });
  const pairs = [
    ['a session that holds, and one that does not (the control)', [() => bySession(session), () => bySession(spoilt(session))], long ? 10_000 : 2_000],
    ['key: unknown, and one that is wrong at its end', [() => byKey(`tps_${letters(key.length - 4)}`), () => byKey(spoilt(key))], many],
    ['session: unknown, and one that is wrong at its end', [() => bySession(letters(session.length)), () => bySession(spoilt(session))], many],
    ['login: unknown, and one with a wrong password', [() => byLogin(`${letters(1)}@acme.example`.replace(/^a@/, 'z@')), () => byLogin(ADMIN)], few],
    ['widget token: made up, and one of another site', [widget.madeUp, widget.ofAnother], many],
    ['widget ticket: unknown, and one with a wrong address', [widget.unknown, widget.address], guessed],
    ['widget ticket: unknown, and one of another site', [widget.unknown, widget.foreign], guessed],
  ];
  const [told, apart] = [[], []];
  for (const [what, kinds, samples] of pairs) {
    const times = [[], []];
    // Guesses at tickets are counted, and forgotten with the process: so many to a start as a site takes.
    const counted = what.startsWith('widget ticket');
    const portion = counted ? (A_SITE - 50) * SITES : 20_000;
    const control = what.includes('control');
    // The busier the machine, the more calls it takes to see what is there.
    const isSeen = () => Math.abs(compare(times).t) > TOLD_APART;
    const most = control ? samples * 10 : samples;
    for (let left = most; left > 0 && !(control && left <= most - samples && isSeen()); left -= Math.min(portion, samples)) {
      if (counted || what.startsWith('login')) {
        await server.stop();
        server = await start(dir);
      }
      const kept = new Kept(server.port);
      await mix(kept, kinds, Math.min(left, portion, samples), times, control ? [200, 403] : [400, 403]);
      kept.end();
    }
    const { t, apart: difference, least } = compare(times);
    const micro = (value) => `${(value * 1_000).toFixed(1)} µs`;
    told.push(`${what}: |t| ${Math.abs(t).toFixed(1)} of ${times[0].length + times[1].length}, ${micro(difference)} apart, ${micro(least)} would be told`);
    if (long) console.error(`  ${told.at(-1)}`);
    if (control) must(Math.abs(t) > TOLD_APART, `the control is not told apart: ${told.at(-1)}`);
    else if (Math.abs(t) >= TOLD_APART) apart.push(told.at(-1));
  }
  await server.stop();
  must(!long || apart.length === 0, `told apart by the clock: ${apart.join('; ')}; of all: ${told.join('; ')}`);
  return told.join('; ');
}
