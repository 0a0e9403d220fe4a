import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const inside = (selector: string) => document.querySelector('tehprof-widget')?.shadowRoot?.querySelector<HTMLElement>(selector);

/** Puts the widget's tag into the page as its owner would, and runs the loader as the browser would. */
async function load(attributes: Record<string, string>): Promise<void> {
  const tag = document.createElement('script');
  tag.type = 'text/plain'; // the test runs the code itself
  for (const [name, value] of Object.entries({ src: 'http://desk.test/widget/loader.js', ...attributes })) tag.setAttribute(name, value);
  document.head.append(tag);
  vi.resetModules();
  await import('../../src/widget/loader');
}

beforeEach(() => vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline'))));
afterEach(() => {
  window.tehprof?.destroy?.();
  delete window.tehprof;
  document.head.replaceChildren();
});

describe('the tag', () => {
  it('puts one launcher into the page, in its language and place', async () => {
    await load({ 'data-api-key': 'wk_1', 'data-lang': 'kk', 'data-position': 'left' });
    expect(inside('.launch')?.getAttribute('aria-label')).toBe('Қолдау қызметіне жазу');
    expect(document.querySelector('tehprof-widget')?.className).toBe('left');
    await load({ 'data-api-key': 'wk_1' });
    expect(document.querySelectorAll('tehprof-widget')).toHaveLength(1);
  });
  it('without a key does nothing but say so', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    await load({ 'data-api-key': '' });
    expect([document.querySelector('tehprof-widget'), window.tehprof]).toEqual([null, undefined]);
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });
  it('may hide the launcher and keep the commands', async () => {
    await load({ 'data-api-key': 'wk_1', 'data-hide-launcher': '' });
    expect(inside('.launch')?.hidden).toBe(true);
    window.tehprof?.open();
    expect(inside('.panel')?.hidden).toBe(false);
  });
});

describe('the global', () => {
  it('carries out what was queued before the script arrived', async () => {
    const stub = Object.assign(() => undefined, { q: [['open']] });
    Object.assign(window, { tehprof: stub });
    await load({ 'data-api-key': 'wk_1' });
    expect(inside('.panel')?.hidden).toBe(false);
    window.tehprof?.('close');
    expect(inside('.panel')?.hidden).toBe(true);
  });
  it('never throws into the page', async () => {
    await load({ 'data-api-key': 'wk_1' });
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(() => window.tehprof?.('dance' as 'open')).not.toThrow();
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });
  it('is gone after destroy', async () => {
    await load({ 'data-api-key': 'wk_1' });
    window.tehprof?.destroy();
    expect([document.querySelector('tehprof-widget'), window.tehprof]).toEqual([null, undefined]);
  });
});
