/** What the browser keeps between pages: the visitor's own requests (local) and unsent text (session). */
export interface Known {
  id: number;
  /** Opens the request without an e-mail; a request found by number has its `email` instead and is never written down. */
  token?: string;
  email?: string;
  subject: string;
  status: string;
  /** Newest message the visitor has had on the screen. */
  seen: number;
  unread: number;
}

/** Web storage as JSON; private mode and blocked storage leave the memory of this page. */
function read<T>(storage: () => Storage, name: string, empty: T): T {
  try {
    return JSON.parse(storage().getItem(name) ?? '') as T;
  } catch {
    return empty;
  }
}
function write(storage: () => Storage, name: string, value: unknown): void {
  try {
    storage().setItem(name, JSON.stringify(value));
  } catch {
    // The copy in memory serves until the page is left.
  }
}

export function createMemory(apiKey: string) {
  const [local, session] = [() => localStorage, () => sessionStorage];
  const name = `tehprof.${apiKey}`;
  let requests = read<Known[]>(local, name, []);
  const drafts = read<Record<string, string>>(session, name, {});
  return {
    /** Newest first. */
    all: () => [...requests].reverse(),
    unread: () => requests.reduce((sum, known) => sum + known.unread, 0),
    /** Adds a request or replaces what was known of it; another tab may have added its own since. */
    keep(known: Known): void {
      const byId = new Map([...read<Known[]>(local, name, []), ...requests, known].map((x) => [x.id, x]));
      requests = [...byId.values()];
      write(local, name, requests.filter((x) => x.token));
    },
    draft: (field: string) => drafts[field] ?? '',
    saveDraft(field: string, text: string): void {
      drafts[field] = text;
      write(session, name, drafts);
    },
  };
}
export type Memory = ReturnType<typeof createMemory>;
