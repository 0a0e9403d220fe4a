/** A name server on loopback (RFC 1035, as much of it as texts need): it knows what a story tells it, and nothing else. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const txt = 16;
const noSuchName = 3;

export class Names {
  /** Texts by name. */
  texts = new Map();
  #socket = createSocket('udp4');

  static async start() {
    const names = new Names();
    names.#socket.on('message', (question, from) => names.#socket.send(names.#answer(question), from.port, from.address));
    names.#socket.bind(0, '127.0.0.1');
    await once(names.#socket, 'listening');
    return names;
  }

  get address() { return `127.0.0.1:${this.#socket.address().port}`; }

  async stop() {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #answer(question) {
    const labels = [];
    let at = 12;
    while (question[at]) {
      labels.push(question.toString('latin1', at + 1, at + 1 + question[at]));
      at += 1 + question[at];
    }
    const asked = question.subarray(12, at + 5);
    const known = this.texts.get(labels.join('.').toLowerCase());
    const records = known && question.readUInt16BE(at + 1) === txt ? known : [];
    const head = Buffer.alloc(12);
    question.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | (known ? 0 : noSuchName), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    return Buffer.concat([head, asked, ...records.map(record)]);
  }
}

/** A text as a record of the name that was asked for, a long one in pieces. */
function record(text) {
  const bytes = Buffer.from(text);
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 255) {
    const piece = bytes.subarray(at, at + 255);
    pieces.push(Buffer.from([piece.length]), piece);
  }
  const data = Buffer.concat(pieces);
  const head = Buffer.from([0xc0, 12, 0, txt, 0, 1, 0, 0, 0, 60, 0, 0]);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
