// States of a folder that a crash may leave: everything that was flushed, and of what was not, any part in sectors.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SECTOR = 512;
const PAGE = 4096;

/** Numbers between 0 and 1, the same for the same seed. */
export function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A file's bytes, with room to grow. */
class Bytes {
  constructor(held = Buffer.alloc(0), room = 0) {
    this.held = Buffer.alloc(held.length + room);
    held.copy(this.held);
    this.size = held.length;
  }

  get whole() {
    return this.held.subarray(0, this.size);
  }

  put(step) {
    const end = step.do === 'cut' ? step.size : step.offset + step.bytes.length;
    if (end > this.held.length) this.held = Buffer.concat([this.held, Buffer.alloc(end)]);
    if (step.do === 'cut') {
      this.held.fill(0, Math.min(this.size, end), Math.max(this.size, end));
      this.size = end;
    } else {
      step.bytes.copy(this.held, step.offset);
      this.size = Math.max(this.size, end);
    }
  }
}

/** A write as the pages that a disk may take or leave one by one. */
function pages(step) {
  if (step.do !== 'write' || step.bytes.length <= PAGE) return [step];
  const parts = [];
  for (let done = 0; done < step.bytes.length; done += PAGE) {
    parts.push({ ...step, offset: step.offset + done, bytes: step.bytes.subarray(done, done + PAGE) });
  }
  return parts;
}

/** What is on the disk for certain after so many steps, and what is on its way. */
class Disk {
  constructor(start, liar) {
    this.files = new Map([...start.files].map(([file, held]) => [file, new Bytes(held)]));
    this.names = new Map(start.names);
    this.late = new Map();
    this.lateNames = [];
    this.liar = liar;
  }

  take(step) {
    if (step.do === 'write' || step.do === 'cut') {
      if (!this.late.has(step.file)) this.late.set(step.file, []);
      this.late.get(step.file).push(...pages(step));
    } else if (['make', 'name', 'remove'].includes(step.do)) {
      this.lateNames.push(step);
    } else if (this.liar) {
      return;
    } else if (step.do === 'flush') {
      if (!this.files.has(step.file)) this.files.set(step.file, new Bytes());
      this.late.get(step.file)?.forEach((late) => this.files.get(step.file).put(late));
      this.late.delete(step.file);
    } else if (step.do === 'flushFolder') {
      const here = (late) => (dirname(late.path) === '.' ? '' : dirname(late.path)) === step.path;
      this.lateNames.filter(here).forEach((late) => rename(this.names, late));
      this.lateNames = this.lateNames.filter((late) => !here(late));
    }
  }

  /** One of the states that a crash may leave now. */
  crash(roll) {
    const files = new Map(this.files);
    const mode = ['none', 'all', 'some', 'some', 'first'][Math.floor(roll() * 5)];
    for (const [file, late] of this.late) {
      const first = mode === 'first' ? Math.floor(roll() * (late.length + 1)) : late.length;
      const kept = late.filter((_, n) => n < first && mode !== 'none' && (mode !== 'some' || roll() < 0.5));
      if (kept.length === 0) continue;
      const changed = new Bytes(files.get(file)?.whole, 1 << 20);
      kept.forEach((step) => changed.put(torn(step, roll)));
      files.set(file, changed);
    }
    const names = new Map(this.names);
    // The names of a folder reach the disk in their order, those of different folders apart from each other.
    const reached = new Map();
    for (const late of this.lateNames) {
      const folder = dirname(late.path);
      if (!reached.has(folder)) reached.set(folder, mode !== 'none');
      if (reached.get(folder) && mode !== 'all' && roll() < 0.2) reached.set(folder, false);
      if (reached.get(folder)) rename(names, late);
    }
    return { files, names };
  }
}

function rename(names, step) {
  if (step.do === 'remove') names.delete(step.path);
  else names.set(step.path, step.file);
  if (step.do === 'name') names.delete(step.from);
}

/** One write in twenty reaches the disk only in its first sectors. */
function torn(step, roll) {
  if (step.do !== 'write' || step.bytes.length <= SECTOR || roll() >= 0.05) return step;
  const sectors = 1 + Math.floor(roll() * Math.floor(step.bytes.length / SECTOR));
  return { ...step, bytes: step.bytes.subarray(0, SECTOR * sectors) };
}

/** Puts a state into a folder of its own. A file whose folder did not reach the disk is gone with it. */
function lay(state, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const there = (path) => path === '.' || (state.names.get(path) === 'folder' && there(dirname(path)));
  for (const [path, file] of [...state.names].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!there(dirname(path))) continue;
    if (file === 'folder') mkdirSync(join(folder, path), { mode: 0o700 });
    else writeFileSync(join(folder, path), state.files.get(file)?.whole ?? '', { mode: 0o600 });
  }
}

/** Lays so many states into `folder`, one after the other, and hands each with what was acknowledged before it to `look`. A
 * `liar` is a disk that flushes nothing. */
export async function eachState({ start, steps }, { count, seed, folder, liar = false, said }, look) {
  const roll = dice(seed);
  const cuts = Array.from({ length: count }, () => 1 + Math.floor(roll() * steps.length)).toSorted((a, b) => a - b);
  const disk = new Disk(start, liar);
  const acknowledged = [];
  let done = 0;
  for (const [n, cut] of cuts.entries()) {
    for (; done < cut; done += 1) {
      if (steps[done].do === 'said') acknowledged.push(...said(steps[done].text));
      else disk.take(steps[done]);
    }
    lay(disk.crash(roll), folder);
    await look(n, acknowledged);
  }
  return acknowledged.length;
}
