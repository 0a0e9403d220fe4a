/**
 * One WebSocket to the server. Events say what has changed and carry no content. After a break it resumes from the last
 * event seen; when the server cannot replay that far, listeners hear `resync` and load afresh.
 */
import type { LiveEvent, LiveFrame, Viewer } from '../lib/types';
import { SvelteMap } from 'svelte/reactivity';
import { admin } from './api';

const firstDelay = 500;
const longestDelay = 20_000;
const lostAfter = 3_000;
const beatEvery = 15_000;
const silentFor = 50_000;

class Live {
  /** True once the connection has been away for three seconds: worth telling. */
  lost = $state(false);
  readonly viewers = new SvelteMap<number, readonly Viewer[]>();

  #socket: WebSocket | undefined;
  #seq = 0;
  #tries = 0;
  #heard = 0;
  #self = 0;
  #viewing = 0;
  #retry = 0;
  #warn = 0;
  #started = false;
  readonly #events = new Set<(event: LiveEvent) => void>();
  readonly #resyncs = new Set<() => void>();
  readonly #news = new Set<() => void>();

  onEvent(listener: (event: LiveEvent) => void): () => void { this.#events.add(listener); return () => this.#events.delete(listener); }
  /** Called when the operator has other notifications than before. */
  onNotification(listener: () => void): () => void { this.#news.add(listener); return () => this.#news.delete(listener); }
  /** Called when anything may have been missed: after a `resync`, and after every reconnection. */
  onResync(listener: () => void): () => void { this.#resyncs.add(listener); return () => this.#resyncs.delete(listener); }

  start(operatorId: number): void {
    this.#self = operatorId;
    if (this.#started) return this.#now();
    this.#started = true;
    setInterval(() => this.#beat(), beatEvery);
    addEventListener('online', () => this.#now());
    // A cable that is pulled out closes nothing by itself.
    addEventListener('offline', () => this.#socket?.close());
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.#now(); });
    this.#open();
  }

  /** Tells the others which ticket is on this screen (0: none). */
  view(ticketId: number): void {
    this.#viewing = ticketId;
    this.#send({ type: 'view', ticket_id: ticketId || null });
  }

  typing(ticketId: number, isTyping: boolean): void { this.#send({ type: 'typing', ticket_id: ticketId, is_typing: isTyping }); }

  /** Everybody else who looks at a ticket, writers first. */
  others(ticketId: number): readonly Viewer[] {
    return (this.viewers.get(ticketId) ?? []).filter((x) => x.operator_id !== this.#self).sort((a, b) => Number(b.is_typing) - Number(a.is_typing));
  }

  #send(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #beat(): void {
    if (this.#viewing && !document.hidden) this.#send({ type: 'view', ticket_id: this.#viewing });
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (Date.now() - this.#heard > silentFor) this.#socket.close();
    else this.#send({ type: 'ping' });
  }

  #now(): void {
    if (this.#socket || !this.#started) return;
    clearTimeout(this.#retry);
    this.#open();
  }

  #open(): void {
    const { href } = new URL(`api/live${this.#seq ? `?since=${this.#seq}` : ''}`, document.baseURI);
    const socket = new WebSocket(href.replace(/^http/, 'ws'));
    this.#socket = socket;
    socket.onmessage = ({ data }) => { this.#heard = Date.now(); this.#receive(JSON.parse(String(data)) as LiveFrame); };
    socket.onclose = () => this.#closed(socket);
    this.#warn ||= window.setTimeout(() => { this.lost = true; }, lostAfter);
  }

  #receive(frame: LiveFrame): void {
    if (frame.type === 'hello') {
      const again = this.#seq > 0;
      this.#seq ||= frame.seq;
      this.#tries = 0;
      clearTimeout(this.#warn);
      this.#warn = 0;
      this.lost = false;
      if (this.#viewing) this.view(this.#viewing);
      if (again) for (const listener of this.#resyncs) listener();
    } else if (frame.type === 'event') {
      if (frame.seq <= this.#seq) return;
      this.#seq = frame.seq;
      for (const listener of this.#events) listener(frame);
    } else if (frame.type === 'presence') {
      if (frame.viewers.length) this.viewers.set(frame.ticket_id, frame.viewers);
      else this.viewers.delete(frame.ticket_id);
    } else if (frame.type === 'notification') {
      for (const listener of this.#news) listener();
    } else if (frame.type === 'resync') {
      this.#seq = 0;
      for (const listener of this.#resyncs) listener();
    } else if (frame.type === 'bye') this.#socket?.close();
  }

  #closed(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.viewers.clear();
    this.#warn ||= window.setTimeout(() => { this.lost = true; }, lostAfter);
    const delay = Math.min(longestDelay, firstDelay * 2 ** this.#tries) * (0.5 + Math.random());
    this.#tries += 1;
    this.#retry = window.setTimeout(() => this.#now(), delay);
    // A refused handshake looks like a broken one: a plain call tells an ended session from a server that is away.
    if (this.#tries === 2) admin('me', {}).catch(() => undefined);
  }
}

export const live = new Live();
