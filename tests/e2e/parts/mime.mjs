/** Reads a mail as far as the stories look at it: its headers, decoded, and its plain text. The input is latin1. */

const bytesOf = (text, encoding) => {
  if (/base64/i.test(encoding)) return Buffer.from(text, 'base64');
  if (/quoted-printable/i.test(encoding)) return Buffer.from(text.replace(/=\r?\n/g, '').replace(/=([\dA-F]{2})/gi, (_, code) => String.fromCharCode(parseInt(code, 16))), 'latin1');
  return Buffer.from(text, 'latin1');
};

/** Encoded words (RFC 2047); between two of them white space is no part of the text. */
const decoded = (text) => Buffer.from(text, 'latin1').toString('utf8').replace(/\?=\s+=\?/g, '?==?')
  .replace(/((?:=\?utf-8\?[bq]\?[^?]*\?=)+)/gi, (words) => Buffer.concat([...words.matchAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi)]
    .map(([, how, word]) => (how.toLowerCase() === 'b' ? bytesOf(word, 'base64') : bytesOf(word.replaceAll('_', ' '), 'quoted-printable')))).toString('utf8'));

function split(raw) {
  const end = raw.indexOf('\r\n\r\n');
  const headers = new Map();
  for (const line of raw.slice(0, end).replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const at = line.indexOf(':');
    headers.set(line.slice(0, at).toLowerCase(), decoded(line.slice(at + 1).trim()));
  }
  return { headers, body: raw.slice(end + 4) };
}

/** The first part of a type, however deep. */
function part(raw, type) {
  const { headers, body } = split(raw);
  const kind = headers.get('content-type') ?? 'text/plain';
  const boundary = /^multipart\/.*boundary="?([^";]+)"?/i.exec(kind)?.[1];
  if (boundary) {
    for (const piece of body.split(`--${boundary}`).slice(1, -1)) {
      const found = part(piece.replace(/^\r\n/, ''), type);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!kind.toLowerCase().startsWith(type)) return undefined;
  return bytesOf(body, headers.get('content-transfer-encoding') ?? '').toString('utf8').replaceAll('\r\n', '\n');
}

export function readMail(raw) {
  const { headers } = split(raw);
  return { headers, text: part(raw, 'text/plain') ?? '', html: part(raw, 'text/html') ?? '', header: (name) => headers.get(name.toLowerCase()) ?? '' };
}
