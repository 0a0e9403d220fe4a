/** Other people's sites: any host under .test that is not the desk's, serving what a story puts there and noting who asks. */
import { once } from 'node:events';
import { createServer } from 'node:http';

export class Sites {
  /** `host/path` of every request, in order. */
  asked = [];
  #pages = new Map();
  #server = createServer((request, response) => {
    const path = `${request.headers.host.split(':')[0]}${new URL(request.url, 'http://any').pathname}`;
    this.asked.push(path);
    const page = this.#pages.get(path);
    response.writeHead(page ? 200 : 404, { 'Content-Type': page?.type ?? 'text/plain', 'Cache-Control': 'no-store', ...page?.headers });
    response.end(page?.body ?? 'nothing here');
  });

  static async start() {
    const sites = new Sites();
    sites.#server.listen(0, '127.0.0.1');
    await once(sites.#server, 'listening');
    return sites;
  }

  origin(host) { return `http://${host}:${this.#server.address().port}`; }

  /** Puts something at an address and answers that address. */
  put(host, path, body, type = 'text/html; charset=utf-8', headers = {}) {
    this.#pages.set(`${host}${path}`, { body, type, headers });
    return `${this.origin(host)}${path}`;
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
