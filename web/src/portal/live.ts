/**
 * News of one open ticket by server-sent events. EventSource cannot send the token's header, so the stream is read by
 * fetch. It runs only while the page is visible: one stream a tab would use up the connections of HTTP/1.1.
 */
import { currentToken } from './token';

const firstPause = 1_000;
const longestPause = 60_000;
/** The server writes a comment every 20 s; a stream silent for longer is dead. */
const silence = 45_000;

/** Splits a stream of text into the `data` of its events; what is unfinished waits for the next piece. */
export function eventReader(onData: (data: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const blocks = (rest + text).replace(/\r\n?/g, '\n').split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const data = block.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, ''));
      if (data.length) onData(data.join('\n'));
    }
  };
}

async function listen(ticket: number, signal: AbortController, onOpen: () => void, onNews: () => void): Promise<void> {
  const url = new URL('api/live', document.baseURI);
  url.searchParams.set('ticket_id', String(ticket));
  const response = await fetch(url, { headers: { Accept: 'text/event-stream', 'X-Client-Token': currentToken() }, signal: signal.signal, credentials: 'omit', cache: 'no-store' });
  if (!response.ok || !response.body) throw new Error(`live: ${response.status}`);
  onOpen();
  const feed = eventReader((data) => { if (concerns(data, ticket)) onNews(); });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let watchdog = 0;
  try {
    for (;;) {
      clearTimeout(watchdog);
      watchdog = window.setTimeout(() => signal.abort(), silence);
      const { value, done } = await reader.read();
      if (done) return;
      feed(value);
    }
  } finally {
    clearTimeout(watchdog);
  }
}

/** A `resync` means that events were missed; anything else counts when it names this ticket. */
export function concerns(data: string, ticket: number): boolean {
  try {
    const frame = JSON.parse(data) as { type?: string; ticket_id?: number };
    return frame.type === 'resync' || frame.ticket_id === ticket;
  } catch { return false; }
}

/** Calls `onNews` when the ticket changes, and after each interruption; returns the way to stop. */
export function follow(ticket: number, onNews: () => void): () => void {
  let stopped = false;
  let pause = firstPause;
  let timer = 0;
  let interrupted = false;
  let current: AbortController | undefined;

  async function run() {
    clearTimeout(timer);
    if (stopped || document.hidden || current) return;
    const attempt = new AbortController();
    current = attempt;
    try {
      await listen(ticket, attempt, () => {
        pause = firstPause;
        if (interrupted) onNews();
      }, onNews);
    } catch { /* refused, cut off or given up: the pause below decides when to try again */ }
    current = undefined;
    interrupted = true;
    if (!stopped && !document.hidden) {
      timer = window.setTimeout(() => void run(), pause * (0.5 + Math.random() / 2));
      pause = Math.min(pause * 2, longestPause);
    }
  }
  function wake() {
    if (document.hidden) current?.abort();
    else {
      pause = firstPause;
      void run();
    }
  }
  document.addEventListener('visibilitychange', wake);
  window.addEventListener('online', wake);
  void run();
  return () => {
    stopped = true;
    clearTimeout(timer);
    current?.abort();
    document.removeEventListener('visibilitychange', wake);
    window.removeEventListener('online', wake);
  };
}
