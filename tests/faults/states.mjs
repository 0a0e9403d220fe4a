// Crash states: what the server writes under load is recorded, states that a crash at any moment may leave are made of it, and
// the program itself says of each whether it is whole; everything that was acknowledged before that moment must be in it.
import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { eachState } from './crash.mjs';
import { Server, binary, long, makeDesk, mayTrace, must, quick, running, withFile, work } from './kit.mjs';
import { before, complete, read, recorder } from './record.mjs';

const WRITERS = 6;
const subjectsIn = (text) => (text.startsWith('HTTP/1.1 200') ? [...text.matchAll(/"subject":"(сост[^"]*)"/g)].map((found) => found[1]) : []);

/** Tickets by every key at once, every fourth with a file, and a backup among them. */
async function load(server, keys, until) {
  await Promise.all(keys.map(async (key, writer) => {
    for (let n = 0; Date.now() < until; n += 1) {
      const subject = `состояние ${writer}-${n}`;
      if (n % 4 === 3) await withFile(server, key, { action: 'create_ticket', subject, description: 'с файлом' }, 'a.txt', subject.repeat(400));
      else await server.call(key, 'create_ticket', { subject, description: 'x'.repeat(300 + 700 * (n % 5)) });
    }
  }));
}

/** Reads rows of one state after the other, in a process of its own: `{"subjects": […], "behind": …}` for each folder. */
export class Reader {
  constructor() {
    const code = `
import json, os, sqlite3, sys
for line in sys.stdin:
    folder = line.strip()
    try:
        note = json.load(open(os.path.join(folder, "state")))
    except (FileNotFoundError, ValueError):
        note = {"commits": 0, "settled": 0}
    try:
        alone = sqlite3.connect("file:" + folder + "/tehprof.db?immutable=1", uri=True)
        settled = alone.execute("select commits from stamp").fetchone()[0]
        alone.close()
    except sqlite3.DatabaseError:
        settled = None
    try:
        whole = sqlite3.connect(folder + "/tehprof.db")
        commits = whole.execute("select commits from stamp").fetchone()[0]
        rows = [row[0] for row in whole.execute("select subject from ticket")]
        whole.close()
        behind = commits < note["commits"] or (settled is not None and settled < note["settled"])
        print(json.dumps({"subjects": rows, "behind": behind}), flush=True)
    except sqlite3.DatabaseError as error:
        print(json.dumps({"error": str(error)}), flush=True)
`;
    this.child = spawn('python3', ['-c', code], { stdio: ['pipe', 'pipe', 'inherit'] });
    running.add(this.child);
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async read(folder) {
    this.child.stdin.write(`${folder}\n`);
    return JSON.parse((await this.lines.next()).value);
  }

  end() {
    this.child.stdin.end();
    running.delete(this.child);
  }
}

/** What is wrong with a state, if something is. */
export async function wrong(reader, folder, acknowledged) {
  const checked = spawnSync(binary, ['check', '--data-dir', folder], { encoding: 'utf8' });
  if (checked.status !== 0) return `damaged: ${checked.stdout}${checked.stderr}`.trim();
  const there = await reader.read(folder);
  if (there.error) return `unreadable: ${there.error}`;
  if (there.behind) return 'behind its note: the server would refuse it';
  const subjects = new Set(there.subjects);
  const lost = acknowledged.filter((subject) => !subjects.has(subject));
  return lost.length ? `lost ${lost.length} of ${acknowledged.length}` : '';
}

/** Records a server under load for so long. */
async function recorded(milliseconds) {
  const dir = join(work, 'recorded');
  const keys = makeDesk(dir, WRITERS);
  const tree = before(dir);
  const file = join(work, 'record');
  const server = await Server.start(dir, [], ['strace', ...recorder(file), binary]);
  await load(server, keys, Date.now() + milliseconds);
  await sleep(200);
  await server.stop();
  await complete(file);
  return read(file, tree, process.cwd());
}

export async function crashStates() {
  if (!mayTrace()) return 'left out: needs strace, and leave to trace a program';
  const record = await recorded(long ? 10_000 : 3_000);
  const folder = join(quick, 'state');
  const reader = new Reader();
  const count = long ? 3_000 : 200;
  const seed = long ? Date.now() % 1_000_000 : 1;
  let served = 0;
  const acknowledged = await eachState(record, { count, seed, folder, said: subjectsIn }, async (n, said) => {
    const found = await wrong(reader, folder, said);
    must(!found, `state ${n} of ${count} by seed ${seed}: ${found}`);
    if (n % 50) return;
    const server = await Server.start(folder);
    must((await server.get('/api/health.php')).status === 200, `state ${n} is not served`);
    await server.kill();
    served += 1;
  });
  // The same on a disk that flushes nothing must lose something, or this could not have found it.
  let control = 0;
  const liar = { count: 40, seed, folder, liar: true, said: subjectsIn };
  await eachState(record, liar, async (_, said) => {
    if (await wrong(reader, folder, said)) control += 1;
  });
  reader.end();
  rmSync(folder, { recursive: true, force: true });
  must(control > 10, `a disk that flushes nothing spoils only ${control} of 40 states`);
  const flushes = record.steps.filter((step) => step.do.startsWith('flush')).length;
  return `${count} states of ${record.steps.length} steps with ${flushes} flushes, ${acknowledged} acknowledged, 0 lost, 0 damaged, ${served} served; a disk that flushes nothing spoils ${control} of 40`;
}
