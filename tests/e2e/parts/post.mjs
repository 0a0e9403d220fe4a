/** A customer's mail program: writes a mail and hands it over by SMTP on a bare socket. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';

const word = (text) => `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`;
const lines = (bytes) => bytes.toString('base64').replace(/.{76}/g, '$&\r\n');
const leaf = (type, bytes, more = []) => [`Content-Type: ${type}`, 'Content-Transfer-Encoding: base64', ...more, '', lines(Buffer.from(bytes))].join('\r\n');

function many(kind, parts) {
  const boundary = `=_${randomBytes(12).toString('hex')}`;
  return [`Content-Type: multipart/${kind}; boundary="${boundary}"`, '', ...parts.map((part) => `--${boundary}\r\n${part}`), `--${boundary}--`, ''].join('\r\n');
}

/** A mail as text ready to send, with the Message-ID it bears. */
export function compose({ from, name = '', to, subject, text = '', html, attachments = [], inReplyTo, references }) {
  const id = `<${randomBytes(10).toString('hex')}@${from.split('@')[1]}>`;
  let body = leaf('text/plain; charset=utf-8', text);
  if (html !== undefined) body = many('alternative', [body, leaf('text/html; charset=utf-8', html)]);
  if (attachments.length) {
    const files = attachments.map((file) => leaf(file.type, file.bytes, [`Content-Disposition: attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`]));
    body = many('mixed', [body, ...files]);
  }
  const headers = [
    `From: ${name ? `${word(name)} ` : ''}<${from}>`, `To: <${to}>`, `Subject: ${word(subject)}`, `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`, `Message-ID: ${id}`,
    ...(inReplyTo ? [`In-Reply-To: ${inReplyTo}`] : []), ...(references ? [`References: ${references}`] : []), 'MIME-Version: 1.0',
  ];
  return { id, from, to, raw: `${headers.join('\r\n')}\r\n${body}` };
}

/** Delivers a mail; the server has taken it for good when this answers. */
export async function deliver(port, mail) {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  let heard = '';
  const reply = async (code) => {
    while (!/^\d{3} .*\r\n$/m.test(heard)) heard += (await once(socket, 'data'))[0];
    assert.ok(heard.split('\r\n').at(-2).startsWith(`${code} `), `the listener says ${code}, not ${heard}`);
    heard = '';
  };
  const say = (line, code) => { socket.write(`${line}\r\n`); return reply(code); };
  await once(socket, 'connect');
  await reply(220);
  await say('EHLO mail.customers.test', 250);
  await say(`MAIL FROM:<${mail.from}>`, 250);
  await say(`RCPT TO:<${mail.to}>`, 250);
  await say('DATA', 354);
  await say(`${mail.raw.replace(/^\./gm, '..')}\r\n.`, 250);
  await say('QUIT', 221);
  socket.end();
}
