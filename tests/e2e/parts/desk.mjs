/** The real program as its users start it: a data directory of its own, free ports, and what it prints on the way up. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const startMs = 30_000;
const stopMs = 12_000;

export class Desk {
  said = [];
  logged = [];
  #child;
  #directory;
  #exit;

  /** Starts a desk and answers when it takes connections. */
  static async start(binary, { demo = true, more = [] } = {}) {
    const desk = new Desk();
    await desk.#start(binary, [...(demo ? ['--demo'] : []), ...more]);
    return desk;
  }

  async #start(binary, more) {
    this.#directory = mkdtempSync(join(tmpdir(), 'tehprof-e2e-'));
    const args = ['serve', '--data-dir', this.#directory, '--listen', '127.0.0.1:0', '--smtp-listen', '127.0.0.1:0', ...more];
    this.#child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exit = once(this.#child, 'exit');
    process.once('exit', () => this.#child.kill('SIGKILL')); // whatever ends the tests, no server outlives them
    createInterface(this.#child.stderr).on('line', (line) => this.logged.push(line));
    const ready = new Promise((resolve, reject) => {
      createInterface(this.#child.stdout).on('line', (line) => {
        this.said.push(line);
        if (line.startsWith('listening on ')) resolve();
      });
      this.#exit.then(([code]) => reject(new Error(`the server ended with ${code}: ${this.logged.join('\n')}`)), reject);
      setTimeout(() => reject(new Error(`the server was not up within ${startMs} ms`)), startMs).unref();
    });
    await ready;
    this.port = Number(/:(\d+)$/.exec(this.said.at(-1))?.[1]);
    this.smtpPort = Number(this.#found(/taking mail by SMTP address=.*:(\d+)/, this.logged));
  }

  #found(pattern, lines = this.said) {
    const line = lines.find((x) => pattern.test(x));
    assert.ok(line, `the server said ${pattern}; it said:\n${lines.join('\n')}`);
    return pattern.exec(line)[1];
  }

  /** As programs of this machine reach it. */
  get address() { return `http://127.0.0.1:${this.port}`; }
  /** As browsers reach it: a plain-http name, which is no secure context, like the closed networks it is made for. */
  get origin() { return `http://desk.test:${this.port}`; }
  get key() { return this.#found(/API key, all scopes +(tps_\S+)/); }
  get widgetKey() { return this.#found(/widget key +(wk_\S+)/); }
  get clientToken() { return this.#found(/client portal .*ctoken=(\S+)/); }
  get setupToken() { return this.#found(/#\/setup\?token=(\S+)/); }

  /** What it logged that is a fault of its own. */
  get faults() { return this.logged.filter((line) => / ERROR |panicked/.test(line)); }

  /** Stops it as a service manager would, and answers its exit code. */
  async stop() {
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), stopMs);
    const [code, signal] = await this.#exit;
    clearTimeout(late);
    rmSync(this.#directory, { recursive: true, force: true });
    return signal ?? code;
  }
}
