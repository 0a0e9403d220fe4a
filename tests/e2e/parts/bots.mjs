/** Stand-ins of the Bot API and of an Evolution API server, over real HTTP: they keep what they were asked. */
import { createServer } from 'node:http';

const listen = (answer) => new Promise((resolve) => {
  const asked = [];
  const server = createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      let body = {};
      try { body = JSON.parse(text); } catch { /* a form with a file */ }
      const call = { path: request.url, headers: request.headers, body, text };
      asked.push(call);
      const [status, data] = answer(call, asked.length);
      response.writeHead(status, { 'content-type': Buffer.isBuffer(data) ? 'application/octet-stream' : 'application/json' }).end(Buffer.isBuffer(data) ? data : JSON.stringify(data));
    });
  });
  server.listen(0, '127.0.0.1', () => resolve({
    asked, url: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((done) => { server.closeAllConnections(); server.close(done); }),
    calls: (word) => asked.filter(({ path }) => path.includes(word)),
  }));
});

/** A picture of one green point, and a second of silence as Ogg would begin: enough for a browser to show that it is there. */
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkaPhfDwADgwGAQ2nYTgAAAABJRU5ErkJggg==', 'base64');

export const botApi = () => listen(({ path, body }, number) => {
  if (path.startsWith('/file/')) return [200, png];
  const method = path.split('/').at(-1);
  if (!path.startsWith('/bot123:token/')) return [401, { ok: false, error_code: 401, description: 'Unauthorized' }];
  if (method === 'getMe') return [200, { ok: true, result: { id: 123, is_bot: true, first_name: 'Desk', username: 'desk_bot' } }];
  if (method === 'getFile') return [200, { ok: true, result: { file_id: body.file_id, file_path: 'photos/file_1.png' } }];
  if (/^(set|delete)Webhook$/.test(method)) return [200, { ok: true, result: true }];
  return [200, { ok: true, result: { message_id: 1000 + number, date: 1, chat: { id: body.chat_id } } }];
});

export const evolution = (state = 'close') => listen(({ path, body }, number) => {
  if (path.includes('/instance/connectionState/')) return [200, { instance: { state } }];
  if (path.includes('/instance/connect/')) return [200, { pairingCode: 'WZYEH1YY', base64: `data:image/png;base64,${png.toString('base64')}`, count: 1 }];
  if (path.includes('/webhook/set/')) return [201, { url: body.webhook?.url }];
  return [201, { key: { id: `BAE5${number}`, fromMe: true }, status: 'PENDING' }];
});
