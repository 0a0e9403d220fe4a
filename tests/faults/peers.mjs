// Servers that the desk talks to, in a process of their own so that they can stand in another network: node peers.mjs
// mail:HOST:PORT… dns:HOST:PORT:NAME=ADDRESS,…. Says `listening`, then a line for each mail: the marks in it, its Message-ID.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Marks that a test has put into a text, plain or packed. */
function marks(raw) {
  const packed = raw.split('\r\n\r\n').map((part) => Buffer.from(part.replaceAll(/\r\n|--.*/g, ''), 'base64').toString('latin1'));
  return [...new Set([raw, ...packed].join('\n').match(/mark-[a-z0-9-]+-end/g) ?? [])];
}

/** Takes mail by SMTP. What was taken is told before the sender hears of it, so that none is counted too few. */
function mail(host, port) {
  const server = createServer((socket) => {
    let [held, inData] = ['', false];
    socket.on('error', () => {});
    socket.setEncoding('latin1');
    const say = (line) => socket.write(`${line}\r\n`);
    const data = () => {
      const end = held.indexOf('\r\n.\r\n');
      if (end < 0) return false;
      const raw = held.slice(0, end);
      held = held.slice(end + 5);
      inData = false;
      const id = raw.match(/^message-id:\s*(\S+)/im)?.[1];
      process.stdout.write(`${JSON.stringify({ marks: marks(raw), id })}\n`, () => say('250 taken'));
      return true;
    };
    const command = () => {
      const end = held.indexOf('\r\n');
      if (end < 0) return false;
      const word = held.slice(0, 4).toUpperCase();
      held = held.slice(end + 2);
      if (word === 'EHLO' || word === 'HELO') say('250 peer.test');
      else if (word === 'DATA') {
        inData = true;
        held = `\r\n${held}`;
        say('354 go on');
      } else if (word === 'QUIT') socket.end('221 bye\r\n');
      else say('250 ok');
      return true;
    };
    socket.on('data', (text) => {
      held += text;
      while (inData ? data() : command());
    });
    say('220 peer.test');
  });
  return new Promise((ready) => server.listen(Number(port), host, () => ready(server.address().port)));
}

/** Answers for some names, and that there are no others. */
function dns(host, port, names) {
  const known = new Map(names.split(',').map((pair) => pair.split('=')));
  const socket = createSocket('udp4');
  socket.on('message', (asked, from) => {
    const labels = [];
    let at = 12;
    for (; asked[at]; at += asked[at] + 1) labels.push(asked.toString('latin1', at + 1, at + 1 + asked[at]));
    const question = asked.subarray(12, at + 5);
    const address = asked.readUInt16BE(at + 1) === 1 ? known.get(labels.join('.').toLowerCase()) : undefined;
    const head = Buffer.from(asked.subarray(0, 12));
    head.writeUInt16BE(known.has(labels.join('.').toLowerCase()) ? 0x8180 : 0x8183, 2);
    head.fill(0, 6);
    head.writeUInt16BE(address ? 1 : 0, 6);
    const answer = address ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]) : Buffer.alloc(0);
    socket.send(Buffer.concat([head, question, answer]), from.port, from.address);
  });
  return new Promise((ready) => socket.bind(Number(port), host, ready));
}

const ports = [];
for (const word of process.argv.slice(2)) {
  const [kind, host, port, names] = word.split(':');
  if (kind === 'mail') ports.push(await mail(host, port));
  else await dns(host, port, names);
}
console.log(`listening ${ports.join(' ')}`);
