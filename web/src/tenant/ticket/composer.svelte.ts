/** The reply and the note being written for one ticket: text, uploaded files, and files still on their way. */
import { errorText } from '../../lib/error';
import type { DraftKind } from '../../lib/draft';
import { toast } from '../../lib/toast.svelte';
import type { File as Stored } from '../../lib/types';
import { admin } from '../api';
import { drafts } from '../drafts.svelte';

export interface Upload { key: number; name: string }
let last = 0;

export class Writing {
  readonly ticket: number;
  readonly kind: DraftKind;
  text = $state('');
  files = $state.raw<readonly Stored[]>([]);
  uploads = $state<Upload[]>([]);

  constructor(kind: DraftKind, ticket: number) {
    this.kind = kind;
    this.ticket = ticket;
    const draft = drafts.load(kind, ticket);
    this.text = draft.text;
    this.files = draft.files;
  }

  get empty(): boolean { return !this.text.trim() && !this.files.length; }

  /** Called on every keystroke. */
  save(): void { drafts.save(this.kind, this.ticket, { text: this.text, files: [...this.files] }); }

  set(text: string): void { this.text = text; this.save(); }

  clear(): void {
    this.text = '';
    this.files = [];
    this.save();
  }

  remove(file: Stored): void {
    this.files = this.files.filter((x) => x.id !== file.id);
    this.save();
  }

  /** Uploads at once; each file becomes part of the draft when the server has it. */
  async attach(list: readonly File[]): Promise<void> {
    await Promise.all(list.map(async (file) => {
      const upload = { key: ++last, name: file.name };
      this.uploads.push(upload);
      try {
        const { files } = await admin('upload_file', {}, { files: [file] });
        this.files = [...this.files, ...files];
        this.save();
      } catch (error) {
        toast(`${file.name}: ${errorText(error)}`, { kind: 'error' });
      } finally {
        this.uploads = this.uploads.filter((x) => x.key !== upload.key);
      }
    }));
  }
}

/** The files of a paste or a drop. */
export const filesOf = (data: DataTransfer | null): File[] => [...(data?.files ?? [])];
