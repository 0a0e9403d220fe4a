// What a program does to the files below a folder, recorded by strace: every write, cut, rename and flush in their order, and
// between them what it acknowledged.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Calls that change a file or its name, flush it, or answer somebody. */
export const WATCHED = [
  'openat,open,creat,close,lseek,write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendfile,copy_file_range,splice',
  'fsync,fdatasync,sync_file_range,ftruncate,truncate,fallocate,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink',
  'mkdir,mkdirat,rmdir',
].join();

/** The arguments of strace that record a program, which stays the child of who starts it and hears its signals. */
export const recorder = (file) => ['-D', '-f', '-qq', '-xx', '-y', '-s', '4000000', '-e', 'signal=none', '-e', `trace=${WATCHED}`, '-o', file];

// Neither is what is stored: the index of the log is made anew, the lock and the ballast hold nothing.
const passing = (path) => path.endsWith('-shm') || path === 'lock' || path === 'ballast';

const bytes = (hex) => Buffer.from(hex.replaceAll('\\x', ''), 'hex');
const text = (hex) => bytes(hex).toString();
const strings = (line) => [...line.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((found) => found[1]);
const descriptor = (line) => {
  const found = line.match(/^\w+\((\d+)<((?:\\x[0-9a-f]{2})*|[^>]*)>(\(deleted\))?/);
  return found && { fd: found[1], path: found[2].startsWith('\\x') ? text(found[2]) : found[2], gone: Boolean(found[3]) };
};

/** The lines of a record, which may be larger than a string can be. */
function* lines(record) {
  for (let start = 0; start < record.length;) {
    const found = record.indexOf(10, start);
    const end = found < 0 ? record.length : found;
    yield record.latin1Slice(start, end);
    start = end + 1;
  }
}

/** The calls of a record, each where it took effect: a flush and an opening at its end, everything else at its beginning. */
function* calls(file) {
  const begun = new Map();
  for (const line of lines(readFileSync(file))) {
    const [, thread, rest] = line.match(/^(\d+)\s+(.*)$/s) ?? [];
    if (!rest) continue;
    if (rest.endsWith('<unfinished ...>')) {
      begun.set(thread, rest.slice(0, -'<unfinished ...>'.length).trimEnd());
      continue;
    }
    const resumed = rest.match(/^<\.\.\. \w+ resumed>(.*)$/s);
    const whole = resumed ? begun.get(thread) + resumed[1] : rest;
    const [, name, result] = whole.match(/^(\w+)\(.*\)\s+= (-?\d+)/s) ?? [];
    if (name && Number(result) >= 0) yield { name, whole, result: Number(result) };
  }
}

/** Files and folders as they are while a record is read. Every file is a number, so that a new name does not change it. */
class Tree {
  constructor(root) {
    this.root = root;
    this.names = new Map();
    this.start = { files: new Map(), names: new Map() };
    this.next = 1;
  }

  /** Takes what lies in the folder before the program begins. */
  take(folder = '') {
    for (const entry of readdirSync(join(this.root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (passing(path)) continue;
      const file = entry.isDirectory() ? 'folder' : this.next++;
      this.names.set(path, file);
      this.start.names.set(path, file);
      if (entry.isDirectory()) this.take(path);
      else this.start.files.set(file, readFileSync(join(this.root, path)));
    }
    return this;
  }

  /** A path as it is below the folder, or nothing if it is elsewhere or not of what is stored. */
  below(path, from) {
    const whole = path.startsWith('/') ? path : join(from, path);
    if (whole === this.root) return '';
    if (!whole.startsWith(`${this.root}/`)) return null;
    const short = whole.slice(this.root.length + 1);
    return passing(short) ? null : short;
  }
}

/** What one call did, as steps: `make`, `name`, `remove`, `write`, `cut`, `flush`, `flushFolder`, `said`. */
function* stepsOf(call, tree, at, from) {
  const { name, whole, result } = call;
  const path = (index) => tree.below(text(strings(whole)[index] ?? ''), from);
  const held = descriptor(whole);
  const file = held && !held.gone ? tree.below(held.path, from) : null;
  const id = file === null ? undefined : tree.names.get(file);
  switch (name) {
    case 'open': case 'openat': case 'creat': {
      at.set(String(result), 0);
      const opened = path(0);
      if (opened === null) return;
      if (name === 'creat' || /O_CREAT/.test(whole)) {
        if (!tree.names.has(opened)) {
          tree.names.set(opened, tree.next);
          yield { do: 'make', path: opened, file: tree.next++ };
        }
      }
      if (name === 'creat' || /O_TRUNC/.test(whole)) yield { do: 'cut', file: tree.names.get(opened), size: 0 };
      if (/O_APPEND/.test(whole)) throw new Error(`this record appends, which is not understood: ${whole.slice(0, 200)}`);
      return;
    }
    case 'lseek':
      if (held) at.set(held.fd, result);
      return;
    case 'write': case 'writev': case 'sendto': case 'sendmsg': {
      if (id === undefined) {
        if (/socket|TCP/.test(held?.path ?? '')) yield { do: 'said', text: strings(whole).map(text).join('') };
        return;
      }
      const offset = at.get(held.fd) ?? 0;
      at.set(held.fd, offset + result);
      yield { do: 'write', file: id, offset, bytes: Buffer.concat(strings(whole).map(bytes)).subarray(0, result) };
      return;
    }
    case 'pwrite64':
      if (id === undefined) return;
      yield { do: 'write', file: id, offset: Number(whole.match(/, (\d+)\)\s+= \d+/)[1]), bytes: bytes(strings(whole)[0]).subarray(0, result) };
      return;
    case 'ftruncate': case 'fallocate':
      if (id === undefined) return;
      if (name === 'fallocate') throw new Error('this record reserves room in a stored file, which is not understood');
      yield { do: 'cut', file: id, size: Number(whole.match(/, (\d+)\)\s+= 0/)[1]) };
      return;
    case 'fsync': case 'fdatasync':
      if (file === '' || id === 'folder') yield { do: 'flushFolder', path: file };
      else if (id !== undefined) yield { do: 'flush', file: id };
      return;
    case 'unlink': case 'unlinkat': case 'rmdir':
      if (path(0) !== null && tree.names.delete(path(0))) yield { do: 'remove', path: path(0) };
      return;
    case 'mkdir': case 'mkdirat':
      if (path(0) === null) return;
      tree.names.set(path(0), 'folder');
      yield { do: 'make', path: path(0), file: 'folder' };
      return;
    case 'rename': case 'renameat': case 'renameat2': {
      const [old, renamed] = [path(0), path(1)];
      if (old === null && renamed === null) return;
      if (old === null || renamed === null) throw new Error('this record renames into or out of the folder, which is not understood');
      const moved = tree.names.get(old);
      if (moved === 'folder') throw new Error('this record renames a folder, which is not understood');
      tree.names.set(renamed, moved);
      tree.names.delete(old);
      yield { do: 'name', from: old, path: renamed, file: moved };
      return;
    }
    case 'close':
      return;
    default:
      if (id !== undefined) throw new Error(`this record does ${name} to a stored file, which is not understood`);
  }
}

/** Waits until a record of a program that has ended is written to its end. */
export async function complete(file) {
  for (let size = -1; size !== statSync(file).size; await sleep(300)) size = statSync(file).size;
}

/** Reads a record of a program that began in `from` with the folder as it was in `tree`. `tree` must have been taken before. */
export function read(file, tree, from) {
  const at = new Map();
  const steps = [];
  for (const call of calls(file)) steps.push(...stepsOf(call, tree, at, from));
  return { start: tree.start, steps };
}

export const before = (root) => {
  if (!statSync(root).isDirectory()) throw new Error(`${root} is no folder`);
  return new Tree(root).take();
};
