/** What the operator is told of: how much is unread, and the newest of it once the list was opened. Kept fresh by the live connection. */
import type { Notification } from '../lib/types';
import { afterStart } from '../lib/paint';
import { admin } from './api';
import { live } from './live.svelte';

class Notifications {
  count = $state(0);
  list = $state.raw<readonly Notification[]>();
  failure = $state.raw<unknown>();

  start(): () => void {
    afterStart(() => void this.refresh());
    const stops = [live.onNotification(() => void this.refresh()), live.onResync(() => void this.refresh())];
    return () => { for (const stop of stops) stop(); };
  }

  /** Counts anew, and lists anew if the list was ever asked for. A failure leaves what is known. */
  async refresh(): Promise<void> {
    try {
      this.count = (await admin('notif_count', {})).count;
      if (this.list) await this.load();
    } catch { /* the next change asks again */ }
  }

  async load(): Promise<void> {
    try {
      this.list = (await admin('get_notifications', { limit: 30 })) as readonly Notification[];
      this.failure = undefined;
    } catch (error) { this.failure = error; }
  }

  /** Marks one read, or all. */
  async read(id?: number): Promise<void> {
    this.list = this.list?.map((x) => (id === undefined || x.id === id ? { ...x, is_read: true } : x));
    try { this.count = (await admin('mark_notifications_read', id === undefined ? {} : { notification_ids: [id] })).count; } catch { await this.refresh(); }
  }
}

export const notifications = new Notifications();
