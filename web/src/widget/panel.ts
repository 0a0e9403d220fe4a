/** The panel: header, two tabs, one screen at a time, and the focus kept inside. Built when first opened. */
import { when, type Desk } from './desk';
import { button, h } from './dom';
import { newRequest } from './new-request';
import { requests } from './requests';
import { say } from './texts';
import type { Config } from './wire';

export interface Panel {
  node: HTMLElement;
  show(screen: HTMLElement): void;
  /** Puts the desk's name, hours and fields in place once they are known. */
  configure(config: Config): void;
  focus(): void;
}

export function createPanel(desk: Desk, close: () => void): Panel {
  const title = h('h2', {}, say('title'));
  const hours = h('p');
  const write = button('', say('write'), () => show(newRequest(desk)));
  const mine = button('', say('mine'), () => show(requests(desk)));
  const slot = h('div', { className: 'slot' });
  const node = h('div', { className: 'panel', role: 'dialog', 'aria-label': say('title') },
    h('div', { className: 'top' }, h('div', {}, title, hours), button('x', '×', close, say('close'))), h('div', { className: 'tabs' }, write, mine), slot);
  const active = () => (node.getRootNode() as ShadowRoot).activeElement;
  const writing = () => !!slot.querySelector('.hp, .article');

  function show(screen: HTMLElement) {
    slot.replaceChildren(screen);
    write.setAttribute('aria-current', `${writing()}`);
    mine.setAttribute('aria-current', `${!writing()}`);
    focus();
  }
  const focus = () => slot.querySelector<HTMLElement>('.log, .row, .field input')?.focus();

  function configure(config: Config) {
    const { branding, texts, fields, is_open: open, opens_at: opens } = config;
    title.textContent = texts?.title || branding?.company_name || say('title');
    hours.textContent = open ? (texts?.reply ?? '') : say('away') + (opens ? `: ${when(desk, opens)}` : '');
    desk.welcome.textContent = texts?.welcome ?? '';
    node.classList.toggle('no-phone', fields?.phone === false);
    node.classList.toggle('no-subject', fields?.subject === false);
  }

  node.onkeydown = (event) => {
    event.stopPropagation(); // the host page's shortcuts are not meant for text typed here
    if (event.key === 'Escape') close();
    if (event.key !== 'Tab') return;
    const all = [...node.querySelectorAll<HTMLElement>('button, a, input:not(.hp), textarea, summary, .log')].filter((x) => x.getClientRects().length);
    if (event.shiftKey) all.reverse();
    if (active() !== all.at(-1)) return;
    event.preventDefault();
    all[0]?.focus();
  };
  show(newRequest(desk));
  return { node, show, configure, focus };
}
