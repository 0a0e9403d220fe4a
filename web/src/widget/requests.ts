/** The second tab: requests made from this browser, and the way to one made elsewhere. */
import { conversation } from './conversation';
import type { Desk } from './desk';
import { button, h } from './dom';
import type { Known } from './memory';
import { say, sayStatus } from './texts';
import type { Conversation } from './wire';

export const credentials = ({ id, token, email }: Known) => ({ ticket_id: id, ticket_token: token, email });

/** Asks for one request and notes its status and what is unread; `read` when it is on the screen. */
export async function refresh(desk: Desk, known: Known, read = false): Promise<Conversation> {
  const now = await desk.call<Conversation>('get_messages', credentials(known));
  const fresh = now.messages.filter((message) => message.author_type === 'support' && message.id > known.seen);
  if (read) known.seen = fresh.at(-1)?.id ?? known.seen;
  known.unread = read ? 0 : fresh.length;
  known.status = now.status;
  known.subject = now.subject;
  desk.memory.keep(known);
  desk.changed();
  return now;
}

/** Looks once at every request that can still change. A failure waits for the next look. */
export async function refreshAll(desk: Desk): Promise<void> {
  for (const known of desk.memory.all()) if (known.status !== 'closed') await refresh(desk, known).catch(() => undefined);
}

export function requests(desk: Desk): HTMLElement {
  const { memory } = desk;
  const list = h('ul', { className: 'list' });
  const draw = () => list.replaceChildren(...memory.all().map((known) => {
    const row = button('row', known.subject, () => desk.show(conversation(desk, known)));
    row.append(h('small', {}, sayStatus(known.status)), h('b', {}, known.unread ? say('unread', known.unread) : ''));
    return h('li', {}, row);
  }));
  draw();
  void refreshAll(desk).then(() => { if (!list.querySelector(':focus')) draw(); });

  const lookup = h('details', { open: !memory.all().length }, h('summary', {}, say('lookup')));
  void desk.known.then(() => desk.more()).then((more) => lookup.append(more.lookup()), () => lookup.append(say('noLink')));
  return h('div', { className: 'screen' }, list, lookup);
}
