/** The first tab: a new request; once accepted it goes on as a conversation. */
import { createAttachments } from './attachments';
import { conversation } from './conversation';
import type { Desk } from './desk';
import { h } from './dom';
import { createField, createForm } from './form';
import { say } from './texts';
import { attemptKey, type Created } from './wire';

export function newRequest(desk: Desk): HTMLElement {
  const { memory } = desk;
  const fields = [
    createField(desk, 'name', say('name'), { autocomplete: 'name' }),
    createField(desk, 'email', say('email'), { type: 'email', autocomplete: 'email' }),
    createField(desk, 'phone', say('phone'), { type: 'tel', autocomplete: 'tel', required: false }),
    createField(desk, 'subject', say('subject'), { required: false }),
    createField(desk, 'description', say('text'), { area: true }),
  ];
  const trap = h('input', { name: 'website', className: 'hp', tabIndex: -1, autocomplete: 'off', 'aria-hidden': 'true' });
  const files = createAttachments();
  const key = attemptKey();

  const form = createForm(fields, [trap, files.node], say('send'), async () => {
    const values: Record<string, string> = Object.fromEntries(fields.map(({ input }) => [input.name, input.value.trim()]));
    const made = await desk.call<Created>('create_ticket', { ...values, website: trap.value, page: location.origin + location.pathname }, files.files(), key);
    memory.saveDraft('subject', '');
    memory.saveDraft('description', '');
    const known = { id: made.ticket_id, token: made.ticket_token, subject: values.subject || `${values.description}`.slice(0, 80), status: made.status, seen: 0, unread: 0 };
    memory.keep(known);
    desk.show(conversation(desk, known));
  });
  files.listen(form);
  const found = h('div');
  void desk.known.then(async () => { if (desk.config.kb) found.append((await desk.more()).answers()); }).catch(() => undefined); // one can ask without answers
  return h('div', { className: 'screen' }, desk.welcome, found, form);
}
