/**
 * The element in the host page: a shadow root with a constructed stylesheet, so that the page's CSS cannot reach in,
 * ours cannot leak out, and a page under CSP without 'unsafe-inline' still works. No request leaves before the first click.
 */
import type { Desk } from './desk';
import { h } from './dom';
import { kit, type Kit } from './kit';
import { createMemory } from './memory';
import type { More } from './more';
import { createPanel, type Panel } from './panel';
import { refreshAll } from './requests';
import css from './style.css?inline';
import { say, speak, type Language } from './texts';
import { connect, type Config } from './wire';

export interface Options { base: URL; apiKey: string; lang: Language; color: string | undefined; left: boolean; hideLauncher: boolean; more: () => Promise<{ more: (desk: Desk, parts: Kit) => More }> }
export interface Widget { open(): void; close(): void; destroy(): void }

const lookEvery = 30_000;

/** Black or white, whichever reads better on the brand colour: one of them always passes 4.5:1. */
export function inkOn(color: string): string {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff';
}

export function createWidget({ base, apiKey, lang, color, left, hideLauncher, more }: Options): Widget {
  speak(lang);
  const host = h('tehprof-widget' as 'div', { lang, className: left ? 'left' : '' });
  const root = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet(); // Safari has these from 16.4; before it the page stays without the widget
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];
  /** Through CSSOM, which the page's style-src does not govern. */
  function paint(chosen = '') {
    if (!/^#[\da-f]{6}$/i.test(chosen)) return;
    frame.style.setProperty('--brand', chosen);
    frame.style.setProperty('--on', inkOn(chosen));
  }

  const memory = createMemory(apiKey);
  const badge = h('span', { className: 'badge' });
  const launcher = h('button', { type: 'button', className: 'launch', hidden: hideLauncher, 'data-testid': 'open', 'aria-expanded': 'false', onclick: () => toggle(!isOpen()) }, badge);
  const frame = h('div', { className: 'root' }, launcher);
  let panel: Panel | undefined;
  let timer = 0;
  let rest: Promise<More> | undefined;
  let opener: HTMLElement | null = null;
  const isOpen = () => panel?.node.hidden === false;

  const desk: Desk = {
    base, lang, memory,
    welcome: h('p'),
    config: {},
    known: Promise.resolve(),
    more: () => (rest ??= more().then((it) => it.more(desk, kit))),
    call: connect(base, apiKey, lang),
    watched: () => isOpen() && host.isConnected && !document.hidden,
    show: (screen) => panel?.show(screen),
    changed: tell,
  };
  function tell() {
    const unread = memory.unread();
    badge.textContent = `${unread}`;
    badge.hidden = !unread;
    launcher.setAttribute('aria-label', say('open') + (unread ? `, ${say('unread', unread)}` : ''));
  }
  function build(): Panel {
    desk.known = desk.call<Config>('config').then((config) => {
      desk.config = config;
      paint(color ?? config.branding?.primary_color);
      made.configure(config);
    }).catch(() => undefined); // the form works without the desk's own words and colours
    const made = createPanel(desk, () => toggle(false));
    frame.prepend(made.node);
    timer = window.setInterval(() => { if (!document.hidden) void refreshAll(desk); }, lookEvery);
    return made;
  }
  function toggle(shown: boolean) {
    if (shown === isOpen()) return;
    if (shown) opener = document.activeElement as HTMLElement | null;
    panel ??= build();
    panel.node.hidden = !shown;
    launcher.setAttribute('aria-expanded', `${shown}`);
    (shown ? panel : hideLauncher ? opener : launcher)?.focus();
  }

  frame.style.colorScheme = 'light dark';
  paint(color);
  root.append(frame);
  tell();
  // Single-page frameworks replace or empty the body; the element moves into the new one with all it holds.
  const watcher = new MutationObserver(settle);
  function settle() {
    if (!host.isConnected) document.body.append(host);
    watcher.observe(document.documentElement, { childList: true });
    watcher.observe(document.body, { childList: true });
  }
  settle();
  return {
    open: () => toggle(true),
    close: () => toggle(false),
    destroy() {
      watcher.disconnect();
      clearInterval(timer);
      host.remove();
      delete window.tehprof;
    },
  };
}
