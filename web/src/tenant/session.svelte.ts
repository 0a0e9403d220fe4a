/** Who is signed in. When the server forgets the session, the page stays as it is and asks for the password in a dialog. */
import { ApiError, onSignedOut } from '../lib/api';
import { setLocale } from '../lib/i18n/index.svelte';
import type { Me } from '../lib/types';
import { admin } from './api';

class Session {
  state = $state<'loading' | 'out' | 'in' | 'unreachable'>('loading');
  ended = $state(false);
  #me = $state.raw<Me>();

  constructor() {
    onSignedOut((_, surface) => { if (surface === 'admin' && this.state === 'in') this.ended = true; });
  }

  get me(): Me {
    if (!this.#me) throw new Error('nobody is signed in');
    return this.#me;
  }
  /** Names the drafts of this person on this machine. */
  get owner(): string { return `op${this.me.operator.id}`; }
  get isAdmin(): boolean { return this.me.permissions.is_admin; }

  async load(): Promise<void> {
    try {
      this.#me = await admin('me', {});
      let chosen: string | null = null;
      try { chosen = localStorage.getItem('tp.lang'); } catch { /* no storage: the operator's own language */ }
      if (!chosen && !new URLSearchParams(location.search).has('lang')) await setLocale(this.#me.locale);
      this.state = 'in';
      this.ended = false;
    } catch (error) {
      this.state = error instanceof ApiError && error.status === 403 ? 'out' : 'unreachable';
    }
  }

  async login(login: string, password: string, remember: boolean): Promise<void> {
    const before = this.#me?.operator.id;
    const { operator } = await admin('admin_login', { login, password, remember });
    // Somebody else's queue, drafts and rights are under the dialog: start afresh.
    if (this.ended && before !== operator.id) location.reload();
    else await this.load();
  }

  async logout(): Promise<void> {
    await admin('admin_logout', {});
    location.hash = '#/queue';
    location.reload();
  }
}

export const session = new Session();
