/** Who is signed in. When the server forgets the session, the page stays as it is and asks for the password in a dialog. */
import { ApiError, onSignedOut } from '../lib/api';
import { wear } from '../lib/brand';
import { adoptLocale } from '../lib/i18n/index.svelte';
import type { Me } from '../lib/types';
import { admin } from './api';

class Session {
  state = $state<'loading' | 'out' | 'in' | 'unreachable'>('loading');
  ended = $state(false);
  #me = $state.raw<Me>();

  constructor() {
    onSignedOut((_, surface) => { if (surface === 'admin' && this.state === 'in') this.ended = true; });
  }

  /** Whether this browser was signed in when it was here last: a hint, not a proof. */
  get expected(): boolean {
    try { return localStorage.getItem('tp.signed') !== null; } catch { return false; }
  }
  #remember(signed: boolean): void {
    try {
      if (signed) localStorage.setItem('tp.signed', '1');
      else localStorage.removeItem('tp.signed');
    } catch { /* no storage: every visit asks who is there first */ }
  }

  get me(): Me {
    if (!this.#me) throw new Error('nobody is signed in');
    return this.#me;
  }
  /** Names the drafts of this person on this machine. */
  get owner(): string { return `op${this.me.operator.id}`; }
  get isAdmin(): boolean { return this.me.permissions.is_admin; }
  get isSupervisor(): boolean { return this.me.operator.role !== 'operator'; }

  async load(): Promise<void> {
    try {
      this.#me = await admin('me', {});
      wear(this.#me.branding);
      let chosen: string | null = null;
      try { chosen = localStorage.getItem('tp.lang'); } catch { /* no storage: the operator's own language */ }
      if (!chosen && !new URLSearchParams(location.search).has('lang')) await adoptLocale(this.#me.locale);
      this.state = 'in';
      this.#remember(true);
      this.ended = false;
    } catch (error) {
      this.state = error instanceof ApiError && error.status === 403 ? 'out' : 'unreachable';
      if (this.state === 'out') this.#remember(false);
    }
  }

  /** Throws `totp_required` when the password was right and a code is wanted besides. */
  async login(login: string, password: string, remember: boolean, totp?: string): Promise<void> {
    const before = this.#me?.operator.id;
    const { operator } = await admin('admin_login', { login, password, remember, ...(totp ? { totp } : {}) });
    // Somebody else's queue, drafts and rights are under the dialog: start afresh.
    if (this.ended && before !== operator.id) location.reload();
    else await this.load();
  }

  async logout(): Promise<void> {
    await admin('admin_logout', {});
    history.replaceState(null, '', '#/queue'); // unlike a new hash it makes the page ask for nothing more
    location.reload();
  }
}

export const session = new Session();
