/** One request: its status, its messages as they come, and the visitor's reply. */
import { createAttachments } from './attachments';
import { when, type Desk } from './desk';
import { button, h, link } from './dom';
import { complaint, createField, createForm } from './form';
import type { Known } from './memory';
import { credentials, refresh } from './requests';
import { say, sayStatus } from './texts';
import { attemptKey, type Created, type Message } from './wire';

const pollEvery = 8_000;
const pollAtMost = 64_000;

export function conversation(desk: Desk, known: Known): HTMLElement {
  const status = h('p', { className: 'status' });
  const log = h('div', { className: 'log', role: 'log', tabIndex: 0, 'aria-label': known.subject });
  const trouble = h('p', { className: 'err', role: 'alert' });
  const shown: [text: string, node: HTMLElement][] = [];
  let pause = pollEvery;
  let timer = 0;

  function bubble(message: Message): HTMLElement {
    const mine = message.author_type === 'client';
    const words = h('p', {}, message.message);
    // Plain as it is until the second file has come.
    void desk.more().then((more) => words.replaceChildren(...more.words(message.message, !mine)), () => 0);
    return h('div', { className: mine ? 'msg me' : 'msg' },
      h('small', {}, `${mine ? say('you') : message.author_name} · ${when(desk, message.created_at)}`),
      words,
      ...(message.files ?? []).map((file) => link(new URL(file.url, desk.base).href, file.name)));
  }
  function put(node: HTMLElement) {
    log.append(node);
    log.scrollTop = log.scrollHeight;
  }
  /** Touches only what differs, so a screen reader and a selection are left alone. */
  function draw(message: Message, i: number) {
    const [text, was] = shown[i] ?? [];
    if (text === message.message) return;
    const node = bubble(message);
    if (was) was.replaceWith(node);
    else put(node);
    shown[i] = [message.message, node];
  }
  async function look() {
    clearTimeout(timer);
    if (desk.watched()) {
      try {
        const now = await refresh(desk, known, true);
        pause = pollEvery;
        trouble.textContent = '';
        status.textContent = sayStatus(now.status);
        now.messages.forEach(draw);
      } catch (error) {
        pause = Math.min(pause * 2, pollAtMost);
        trouble.textContent = complaint(error);
      }
    }
    if (node.parentNode) timer = window.setTimeout(look, pause); // until another screen takes the place
  }

  const draft = `reply${known.id}`;
  const { input, ...reply } = createField(desk, 'message', say('reply'), { area: true, draft, required: false });
  const files = createAttachments();

  /** Shows the reply at once; when it does not get through it stays, with a way to try again under the same key. */
  function send(message: string, attached: File[]) {
    const key = attemptKey();
    const state = h('small');
    const row = bubble({ id: 0, message, author_type: 'client', author_name: '', created_at: new Date().toISOString() });
    row.append(...attached.map((file) => h('small', {}, file.name)), state);
    put(row);
    async function attempt() {
      state.textContent = say('sending');
      try {
        const { ticket_id: id, ticket_token: token } = await desk.call<Created>('add_reply', { ...credentials(known), message }, attached, key);
        row.remove();
        desk.memory.saveDraft(draft, input.value);
        if (id === known.id) void look();
        else desk.show(conversation(desk, { ...known, id, token })); // what was closed long ago goes on in a new request
      } catch (error) {
        state.replaceChildren(`${complaint(error)} `, button('quiet', say('retry'), attempt));
      }
    }
    void attempt();
  }
  const form = createForm([{ input, ...reply }], [files.node], say('send'), async () => {
    if (input.value || files.files().length) send(input.value, files.take());
    input.value = ''; // the draft stays until the server has the text
  });
  input.onkeydown = (event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit(); };
  files.listen(form);
  const node = h('div', { className: 'screen talk' }, h('h3', {}, known.subject), status, h('small', {}, say('hint', known.id)), log, trouble, form);
  setTimeout(look);
  return node;
}
