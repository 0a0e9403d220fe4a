/** Fields that keep their text over navigation and show beside themselves what the server has against them. */
import type { Desk } from './desk';
import { h } from './dom';
import { say } from './texts';
import { Refusal } from './wire';

export interface Field {
  node: HTMLElement;
  /** Its `name` is the server's name of the parameter. */
  input: HTMLInputElement;
  blame(text: string): void;
}

type FieldOptions = { area?: boolean; draft?: string } & Partial<Pick<HTMLInputElement, 'type' | 'autocomplete' | 'inputMode' | 'required'>>;

export function createField(desk: Desk, name: string, caption: string, { area, draft = name, required = true, ...rest }: FieldOptions = {}): Field {
  const error = h('span', { className: 'err', id: `${draft}-error` });
  const blame = (text: string) => {
    error.textContent = text;
    input.setAttribute('aria-invalid', `${!!text}`);
  };
  const input = h((area ? 'textarea' : 'input') as 'input', {
    id: draft, name, value: desk.memory.draft(draft), required, ...rest, 'data-testid': name === 'description' ? 'text' : name, 'aria-describedby': error.id,
    oninput() {
      desk.memory.saveDraft(draft, input.value);
      blame('');
    },
  });
  const label = h('label', { htmlFor: draft }, caption, h('small', {}, required || area ? '' : ` · ${say('optional')}`));
  return { input, blame, node: h('div', { className: `field ${name}` }, label, input, error) };
}

/** A form whose button stays focusable while sending: a disabled one would drop the keyboard focus to the page. */
export function createForm(fields: Field[], extra: HTMLElement[], caption: string, send: () => Promise<void>): HTMLFormElement {
  const submit = h('button', { className: 'send', 'data-testid': 'submit' }, caption);
  const note = h('p', { className: 'err', role: 'alert' });
  let sending = false;
  function busy(now: boolean) {
    sending = now;
    submit.setAttribute('aria-disabled', `${now}`);
    submit.textContent = now ? say('sending') : caption;
  }
  async function onsubmit(event: Event) {
    event.preventDefault();
    if (sending) return;
    note.textContent = '';
    for (const { input, blame } of fields) {
      input.value = input.value.trim();
      if (input.validity.valid) continue;
      blame(say('check'));
      return input.focus();
    }
    busy(true);
    try {
      await send();
    } catch (error) {
      const field = fields.find(({ input }) => input.name === (error as Refusal).field);
      if (field) field.blame(complaint(error));
      else note.textContent = complaint(error);
      field?.input.focus();
    }
    busy(false);
  }
  return h('form', { noValidate: true, onsubmit }, ...fields.map((field) => field.node), ...extra, submit, note);
}

/** The server's own words, or that it could not be reached. */
export const complaint = (error: unknown): string => (error instanceof Refusal ? error.message : say('noLink'));
