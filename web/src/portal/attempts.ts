/** Idempotency keys: a retry of the same content bears the same key, so it never doubles; other content gets another one. */
import { ApiError } from '../lib/api';
import { uid } from '../lib/id';

export class Attempts {
  #content = '';
  #key = '';

  keyFor(content: Readonly<Record<string, unknown>>, files: readonly File[]): string {
    const now = JSON.stringify([content, files.map((file) => [file.name, file.size, file.lastModified])]);
    if (now !== this.#content || !this.#key) this.#key = uid();
    this.#content = now;
    return this.#key;
  }

  /** A refusal is final for its key; a call that may not have arrived keeps it. */
  failed(error: unknown): void {
    if (error instanceof ApiError && !error.unreachable) this.#key = '';
  }
}
