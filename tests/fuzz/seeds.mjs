// Writes what a reader of tests/fuzz begins with, from the fixtures: seeds.mjs READER FOLDER.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const [reader, folder] = process.argv.slice(2);
const fixtures = path.join(path.dirname(fileURLToPath(import.meta.url)), '../fixtures');
const at = (...way) => path.join(fixtures, ...way);
const all = (way) => fs.readdirSync(at(way)).map((name) => fs.readFileSync(at(way, name)));
const lines = (name) => fs.readFileSync(at(name), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
/** Every line, and the object that it carries besides what it is called. */
const deliveries = (name) => lines(name).flatMap((line) => [line, ...Object.values(line).filter((v) => v && typeof v === 'object')]);
const mails = () => all('mail');
/** What stands between tags somewhere in a mail. */
const html = () => mails().map(String).filter((mail) => /<(html|div|p|table)\b/i.test(mail)).map((mail) => mail.slice(mail.search(/<(html|div|p|table)\b/i)));
const first = (bytes, byte) => Buffer.concat([Buffer.from([byte]), Buffer.from(bytes)]);

const heads = [
  'GET / HTTP/1.1\r\nHost: desk.example\r\n\r\n',
  'POST /api/admin.php HTTP/1.1\r\nHost: desk.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;e=1\r\nabc\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n\r\n',
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: a=b\r\nX-Forwarded-For: 1.1.1.1, 9.9.9.9\r\n\r\n',
  'POST / HTTP/2\r\nhost: a\r\ncontent-encoding: gzip\r\ncontent-type: multipart/form-data; boundary=b\r\n\r\n',
];
const parts = [
  '--b\r\nContent-Disposition: form-data; name="action"\r\n\r\nadd_message\r\n--b\r\nContent-Disposition: form-data; name="files[]"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nbytes\r\n--b--\r\n',
  "--b\r\nContent-Disposition: form-data; name=\"tags[]\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=f; filename*=UTF-8''%D0%B0.pdf\r\n\r\n%PDF\r\n--b--",
];
const bodies = [
  { ticket_id: 7, message: 'Готово', is_note: true, files: [1] },
  { search: '#12', status: 'open', page: 2, limit: 50, sort: 'updated_at', tag: 'vip', updated_since: '2026-01-01T00:00:00Z' },
  { name: 'Дежурному', event: 'ticket_created', conditions: { all: [{ field: 'status', op: 'is', value: 'new' }] }, actions: [{ type: 'assign', operator_id: 1 }] },
  { type: 'email', name: 'Почта', config: { address: 'a@b.kz', smtp: { host: 'mail', port: 587, security: 'starttls' } } },
  { hours: { mon: [['09:00', '18:00']] }, timezone: 'Asia/Almaty', holidays: ['2026-03-08'] },
];
const article = '# Заголовок\n\n- [x] готово\n- [ ] нет\n\n| a | b |\n|---|---|\n| `c` | **d** |\n\n![x](http://a/b.png) <script>x</script>\n\n> цитата\n\n```rust\nfn main() {}\n```\n[^1]\n\n[^1]: сноска\n';
const talk = 'EHLO client.example\r\nMAIL FROM:<a@b.kz> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<support@desk.kz>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n';
const tokens = ['tpc_1_abcdefghijklmnopqrstuvwxyz', 'ct_0123456789', 'm1.eyJhIjoxfQ.c2ln', '<tp.7.12.0123456789abcdef@desk.kz>', 'support+t7.0123456789abcdef@desk.kz'];
const tables = [
  'ticket,subject,created_at,message,kind,author_email\n1,x,2025-01-01,hello,client,a@b.kz\n1,,,ok,support,c@d.kz\n',
  'Ticket;Subject;Created at;Message\r\n7;"Не печатает; совсем";19.03.2025 10:30;"строка\nвторая"\r\n',
];
const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

/** What each reader begins with. */
const food = {
  head: () => heads,
  json: () => bodies.flatMap((body, nth) => [0, 40, 80, 120].map((action) => Buffer.concat([Buffer.from([0, action + nth]), Buffer.from(JSON.stringify(body))]))),
  multipart: () => parts.flatMap((part) => [first(first(part, 7), 0), first(first(part, 200), 1)]),
  form: () => [...all('mailgun'), ...all('sendgrid'), 'timestamp=1&token=a&signature=b&recipient=a%40b.kz&body-mime=Subject%3A+x'],
  search: () => ['принтер не печатает', '#12', '"точная фраза" OR NEAR(a b)', 'касса* -чек', 'a:b ^c (d)'],
  token: () => tokens,
  mail: mails,
  html,
  markdown: () => [article],
  attachment: () => mails().filter((mail) => /winmail|application\/ms-tnef/i.test(String(mail))).flatMap((mail) => {
    const body = /base64\s*\r?\n(?:.*\r?\n)*?\r?\n([A-Za-z0-9+/=\r\n]+)/.exec(String(mail));
    return body ? [Buffer.from(body[1], 'base64')] : [];
  }).concat(['{\\rtf1\\ansi\\ansicpg1251 \\u1055?\\par {\\*\\htmltag64 <p>}x}']),
  smtp: () => [talk],
  messenger: () => [...deliveries('telegram.jsonl'), ...deliveries('evolution.jsonl'), { update_type: 'message_created', timestamp: 1, message: { sender: { user_id: 7, name: 'А' }, recipient: { chat_id: 9, chat_type: 'dialog' }, body: { mid: 'm', text: 'да', attachments: [{ type: 'image', payload: { url: 'https://a/b', token: 't' } }] } } }].map((v) => JSON.stringify(v)),
  bitrix24: () => ['client.bitrix24.kz', 'https://a.b:443/x', JSON.stringify({ ID: '7', NAME: 'Асем', LAST_NAME: 'Н' })],
  rule: () => ['Здравствуйте, {{client_name}}! {{ticket_id}}', JSON.stringify(bodies[2].conditions), JSON.stringify({ auto_close_days: 3, primary_color: '#112233' })],
  picture: () => [first(pixel, 0), first('<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>', 4), 'data:image/png;base64,iVBORw0KGgo='],
  table: () => tables,
  zendesk: () => ['zendesk.ndjson', 'zendesk-events.json'].map((name) => fs.readFileSync(at('import', name))),
  dump: () => [first(fs.readFileSync(at('import/freescout.sql')), 0), first(fs.readFileSync(at('import/osticket.sql')), 1)],
};

if (!food[reader]) throw new Error(`${reader} has nothing to begin with: say so in ${import.meta.url}`);
for (const [nth, bytes] of food[reader]().entries()) fs.writeFileSync(path.join(folder, String(nth)), bytes);
