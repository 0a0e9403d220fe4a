// What is deleted for good is searched for afterwards, byte by byte, in everything that lies in the data directory: words that
// stand nowhere else are written into a ticket, its messages, its people and its files, and found before and not after. The
// first time a ticket goes by way of the bin, then people go, with their tickets and out of tickets that stay, and at last
// the whole tenant.
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, can, files, makeDesk, must, run, tehprof, withFile, work } from './kit.mjs';

const PASSWORD = 'correct horse battery';
const CYRILLIC = 'БВГДЖЗКЛМНПРСТФХЦЧШЩҚҒҢӨҰ';

/** A word that stands nowhere else, and the forms in which it may be stored: as written, and as the search compares it. A common
 * beginning is left out of a word by the index, so that the end of it is looked for. */
function canary() {
  const word = `Ё${[...randomBytes(9)].map((n) => CYRILLIC[n % CYRILLIC.length]).join('')}Ё${randomBytes(4).toString('hex')}`;
  const forms = [word, word.toLowerCase(), word.toLowerCase().replaceAll('ё', 'е')];
  return { word, ends: [...new Set(forms.map((form) => form.slice(4)))] };
}


/** Where each word is: `what: file × times`. */
function search(dir, canaries) {
  const found = [];
  for (const path of files(dir).filter((name) => statSync(name).size < 1 << 28 && !name.endsWith('ballast'))) {
    const bytes = readFileSync(path);
    for (const [what, { ends }] of Object.entries(canaries)) {
      const times = ends.reduce((sum, end) => sum + bytes.toString('latin1').split(Buffer.from(end).toString('latin1')).length - 1, 0);
      if (times) found.push({ what, file: path.slice(dir.length + 1), times });
    }
  }
  return found;
}

/** Which tables still hold a word; what is left lies in pages that no table has. */
function tables(dir, canaries) {
  const code = `
import json, sqlite3, sys
conn = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True); conn.text_factory = bytes
ends = [end.encode() for end in json.loads(sys.argv[2])]
for (name,) in conn.execute("select name from sqlite_master where type = 'table' and sql not like 'create virtual%'").fetchall():
    name = name.decode(); rows = 0
    for row in conn.execute('select * from "' + name + '"'):
        rows += any(isinstance(value, bytes) and end in value for value in row for end in ends)
    if rows: print(name, rows)
`;
  const ends = Object.values(canaries).flatMap((one) => one.ends);
  const found = run('python3', '-c', code, join(dir, 'tehprof.db'), JSON.stringify(ends)).trim();
  return found ? found.split('\n').map((line) => line.replace(' ', ' × ')) : [];
}

/** A ticket with words in every place that a person can write into. */
async function fill(server, admin) {
  const canaries = Object.fromEntries(['subject', 'description', 'message', 'before an edit', 'note', 'deleted message', 'file name', 'file', 'contact', 'company'].map((what) => [what, canary()]));
  const word = (what) => canaries[what].word;
  const made = async (action, fields) => {
    const reply = await server.call(admin, action, fields);
    must(reply.status === 200, `${action} answers ${reply.status}: ${reply.text}`);
    return JSON.parse(reply.text).data;
  };
  await made('create_client', { portal_domain: 'erased.bitrix24.kz', company_name: word('company') });
  await made('save_contact', { name: word('contact'), email: 'erased@client.example', phone: '+77010000000' });
  const { id } = await made('create_ticket', { subject: word('subject'), description: word('description'), contact_email: 'erased@client.example' });
  const message = await made('add_message', { ticket_id: id, message: word('before an edit') });
  await made('edit_message', { message_id: message.id, message: word('message') });
  await made('add_message', { ticket_id: id, message: word('note'), is_note: true });
  const deleted = await made('add_message', { ticket_id: id, message: word('deleted message') });
  await made('delete_message', { message_id: deleted.id });
  const reply = await withFile(server, admin, { action: 'add_message', ticket_id: id, message: 'с файлом' }, `${word('file name')}.txt`, word('file').repeat(100));
  must(reply.status === 200, `a file answers ${reply.status}: ${reply.text}`);
  // Other tickets are there before and afterwards, so that what is left shares pages with what stays.
  for (let n = 0; n < 50; n += 1) await made('create_ticket', { subject: `другая ${n}`, description: 'Касса не печатает чек' });
  return { id, canaries };
}

/** Letters or digits that stand nowhere else, where no Cyrillic may. */
function plain(before, after, digits) {
  const kernel = digits ? String(BigInt(`0x${randomBytes(8).toString('hex')}`)).slice(-11).padStart(11, '7') : randomBytes(10).toString('hex');
  return { word: `${before}${kernel}${after}`, ends: [kernel] };
}

/** Somebody with words of their own, a ticket with a file, one from the site and one in the bin, and a part in another's. */
async function person(server, admin) {
  const canaries = Object.fromEntries(['name', 'other name', 'subject', 'message', 'description', 'file name', 'file', 'in the bin', 'from the site'].map((what) => [what, canary()]));
  canaries.email = plain('k', '@client.example');
  canaries.phone = plain('+7', '', true);
  const word = (what) => canaries[what].word;
  const made = async (action, fields) => {
    const reply = await server.call(admin, action, fields);
    must(reply.status === 200, `${action} answers ${reply.status}: ${reply.text}`);
    return JSON.parse(reply.text).data;
  };
  const contact = await made('save_contact', { name: word('name'), email: word('email'), phone: word('phone') });
  const from = { contact_email: word('email'), contact_phone: word('phone') };
  const { id } = await made('create_ticket', { subject: word('subject'), description: word('description'), ...from });
  await made('create_ticket', { subject: 'ещё одна', description: 'Касса не печатает чек', contact_name: word('other name'), ...from });
  await made('add_message', { ticket_id: id, message: word('message') });
  const reply = await withFile(server, admin, { action: 'add_message', ticket_id: id, message: 'с файлом' }, `${word('file name')}.txt`, word('file').repeat(100));
  must(reply.status === 200, `a file answers ${reply.status}: ${reply.text}`);
  const binned = await made('create_ticket', { subject: word('in the bin'), description: 'Выброшено', ...from });
  await made('delete_ticket', { ticket_id: binned.id });
  const key = (await made('get_widget_settings', {})).api_key;
  const opened = await server.call({}, 'create_ticket', { api_key: key, name: word('name'), email: word('email'), phone: word('phone'), subject: word('from the site'), description: 'С сайта' }, '/api/widget.php');
  must(opened.status === 200, `the widget answers ${opened.status}: ${opened.text}`);
  return { contact: contact.id, canaries };
}

/** What must be gone of somebody when their tickets stay. */
const ofPerson = ['name', 'other name', 'email', 'phone'];

/** A contact is deleted, once with their tickets and once without, and looked for in every file. */
async function people(dir) {
  for (const tickets of ['erase', 'keep']) {
    const server = await Server.start(dir);
    const admin = await server.signIn('a@acme.example', PASSWORD);
    const { contact, canaries } = await person(server, admin);
    const before = search(dir, canaries);
    for (const what of Object.keys(canaries)) must(before.some((hit) => hit.what === what), `${what} is not found before the contact is deleted`);
    const reply = await server.call(admin, 'delete_contact', { contact_id: contact, tickets });
    must(reply.status === 200, `delete_contact answers ${reply.status}: ${reply.text}`);
    const { tickets_erased: erased, tickets_kept: kept, backups } = JSON.parse(reply.text).data;
    must(erased + kept === 4 && (tickets === 'erase' ? erased : kept) === 4 && backups.hold_contact, `delete_contact answers ${reply.text}`);
    await server.stop();
    age(dir);
    await emptyBin(dir);
    const gone = Object.fromEntries(Object.entries(canaries).filter(([what]) => tickets === 'erase' || ofPerson.includes(what)));
    const left = search(dir, gone);
    must(left.length === 0, `after a contact was deleted (${tickets}): ${told(left)}; in tables: ${tables(dir, gone).join(', ')}`);
    if (tickets === 'keep') must(search(dir, { message: canaries.message }).length > 0, 'what stays is gone');
  }
}

/** Lets 31 days pass for what lies in the bin, and for the bytes of files; the index was last rid of words before that. */
function age(dir) {
  const code = `
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1]); conn.execute("pragma secure_delete = on")
conn.execute("update ticket set deleted_at = deleted_at - 31 * 86400000 where deleted_at is not null")
conn.execute("update upkeep set at = at - 31 * 86400000 where name = 'words shed'"); conn.commit(); conn.close()
`;
  run('python3', '-c', code, join(dir, 'tehprof.db'));
  const monthAgo = Date.now() / 1_000 - 31 * 86_400;
  files(join(dir, 'files')).forEach((path) => utimesSync(path, monthAgo, monthAgo));
}

const told = (found) => found.map(({ what, file, times }) => `${what} in ${file} × ${times}`).join(', ') || '0 hits';

/** The first start empties the bin; the bytes of files go with the next look for what nothing names, which a start begins with. */
async function emptyBin(dir) {
  for (let starts = 0; starts < 2; starts += 1) {
    const server = await Server.start(dir);
    await sleep(2_500);
    await server.stop();
  }
}

export async function erasure() {
  if (!can('python3')) return 'left out: needs python3';
  const dir = join(work, 'erasure');
  makeDesk(dir, 1, PASSWORD);
  let server = await Server.start(dir);
  const admin = await server.signIn('a@acme.example', PASSWORD);
  const { id, canaries } = await fill(server, admin);
  const before = search(dir, canaries);
  for (const what of Object.keys(canaries)) must(before.some((hit) => hit.what === what), `${what} is not found before it is deleted`);
  must((await server.call(admin, 'delete_ticket', { ticket_id: id })).status === 200, 'the ticket is not deleted');
  await server.stop();
  age(dir);
  await emptyBin(dir);
  // Who wrote it is there until they are deleted themselves, and a client goes with its tenant alone.
  const ofTicket = Object.fromEntries(Object.entries(canaries).filter(([what]) => what !== 'contact' && what !== 'company'));
  const [left, inTables] = [search(dir, ofTicket), tables(dir, ofTicket)];
  must(left.length === 0, `after the bin was emptied: ${told(left)}; in tables: ${inTables.join(', ')}`);

  await people(dir);
  server = await Server.start(dir);
  canaries['what came last'] = canary();
  const subject = canaries['what came last'].word;
  must((await server.call(await server.signIn('a@acme.example', PASSWORD), 'create_ticket', { subject, description: subject })).status === 200, 'a ticket is refused');
  must(search(dir, canaries).some(({ what, file }) => what === 'what came last' && file.endsWith('-wal')), 'what came last is not in the log of writes');
  tehprof(dir, 'tenant', 'delete', 'acme', '--yes');
  await sleep(500);
  const beside = search(dir, canaries);
  await server.stop();
  const last = search(dir, canaries);
  must(last.length === 0, `after the tenant was deleted: ${told(last)}; in tables: ${tables(dir, canaries).join(', ')}`);
  tehprof(dir, 'check');
  return `a ticket by way of the bin, ${Object.keys(ofTicket).length} words in texts, history, note, file and its name: 0 hits; a contact with all tickets, 11 words, and one whose tickets stay, name, address and number: 0 hits; a tenant beside a server, with its people: ${told(beside)} while the server runs, 0 once it has ended`;
}
