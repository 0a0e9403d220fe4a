/** The browser windows of one story. Each is somebody of their own: a fresh profile, watched for anything out of order. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export const sizes = { phone: { width: 360, height: 740 }, tablet: { width: 768, height: 1024 }, desktop: { width: 1440, height: 900 } };
/** What is left of a window of 1280 × 1024 at 400 %, and of one that stands upright. */
export const zooms = { low: { width: 320, height: 256 }, zoomed: { width: 320, height: 640 } };

/** What a page asks before it knows whether somebody is signed in; the browser writes the refusal to its console. */
const askedBeforeLogin = /\/api\/admin\.php\/me$/;

export class Stage {
  #world;
  #shots;
  #contexts = [];
  #problems = [];
  #allowed = [askedBeforeLogin];
  /** Origins that a story may reach besides the desk's. */
  #origins;

  constructor(world, shots) {
    this.#world = world;
    this.#shots = shots;
    this.#origins = new Set([world.desk.origin]);
  }

  /** Lets a request to this address be refused, or this text stand in the console, for the rest of the story. */
  allow(pattern) { this.#allowed.push(pattern); }
  /** Lets pages reach another origin. */
  allowOrigin(origin) { this.#origins.add(origin); }

  /** A window of somebody who is not signed in. */
  async window({ size = 'desktop', theme = 'light', lang = 'ru' } = {}) {
    const context = await this.#world.browser.newContext({
      viewport: { ...sizes, ...zooms }[size], colorScheme: theme, reducedMotion: 'reduce', locale: { ru: 'ru-RU', kk: 'kk-KZ', en: 'en-GB' }[lang], timezoneId: 'Asia/Almaty', acceptDownloads: true,
    });
    this.#contexts.push(context);
    await context.addInitScript(([host, chosen]) => {
      if (location.hostname !== host) return;
      try { if (!localStorage.getItem('tp.lang')) localStorage.setItem('tp.lang', chosen); } catch { /* a sandboxed frame has no storage */ }
    }, ['desk.test', lang]);
    context.on('page', (page) => this.#watch(page));
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    return page;
  }

  /** A window of an operator who has signed in. */
  async operator(person, { session = this.#world.as(person), ...options } = {}) {
    const page = await this.window(options);
    const { cookie } = await session;
    await page.context().addCookies([{ ...cookie, url: this.#world.desk.origin, httpOnly: true, sameSite: 'Lax' }]);
    return page;
  }

  #watch(page) {
    page.on('console', (message) => {
      const { url } = message.location();
      if (message.type() === 'error' && !this.#allowed.some((x) => x.test(url) || x.test(message.text()))) this.#problems.push(`console: ${message.text()} (${url})`);
    });
    page.on('pageerror', (error) => this.#problems.push(`uncaught: ${error.stack ?? error.message}`));
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (/^(https?|wss?):$/.test(url.protocol) && !this.#origins.has(url.origin.replace(/^ws/, 'http'))) this.#problems.push(`a request to another origin: ${url}`);
    });
  }

  async shot(page, name) {
    if (!this.#shots) return;
    mkdirSync(this.#shots, { recursive: true });
    await page.screenshot({ path: join(this.#shots, `${name}.png`) });
  }

  /** What the windows show when a story has failed. */
  async failed(name) {
    const pages = this.#contexts.flatMap((context) => context.pages());
    await Promise.all(pages.map((page, i) => this.shot(page, `failed-${name}-${i + 1}`).catch(() => undefined)));
  }

  /** Closes every window; anything that was out of order in one of them fails the story. */
  async close() {
    await Promise.all(this.#contexts.map((context) => context.close()));
    assert.deepEqual([...new Set(this.#problems)], [], 'nothing out of order in the windows');
  }
}
