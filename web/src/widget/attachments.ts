/** Files chosen, dropped or pasted, shown as a list until they are sent. */
import { button, h } from './dom';
import { say } from './texts';

export interface Attachments {
  node: HTMLElement;
  /** Hands over the files and empties the list. */
  take(): File[];
  files(): File[];
  /** Takes files dropped on or pasted into `target`. */
  listen(target: HTMLElement): void;
}

export function createAttachments(): Attachments {
  let files: File[] = [];
  const list = h('ul');
  const picker = h('input', { type: 'file', multiple: true, hidden: true, onchange() { add(picker.files); picker.value = ''; } });
  const pick = button('quiet', `+ ${say('attach')}`, () => picker.click());
  const add = (more: FileList | null) => set([...files, ...(more ?? [])]);
  function set(now: File[]) {
    files = now;
    list.replaceChildren(...files.map((file) => h('li', {}, button('quiet', `× ${file.name}`, () => {
      set(files.filter((x) => x !== file));
      pick.focus();
    }))));
  }
  return {
    node: h('div', {}, pick, picker, list),
    files: () => files,
    take() {
      const taken = files;
      set([]);
      return taken;
    },
    listen(target) {
      const accept = (event: Event, data: DataTransfer | null) => {
        if (!data?.files.length) return;
        event.preventDefault();
        add(data.files);
      };
      target.ondragover = (event) => event.preventDefault();
      target.ondrop = (event) => accept(event, event.dataTransfer);
      target.onpaste = (event) => accept(event, event.clipboardData);
    },
  };
}
