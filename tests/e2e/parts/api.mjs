/** Calls to the API beside the browser: to prepare what a story needs and to see what the server has made of it. */

export class Refused extends Error {
  constructor(action, status, answer) {
    super(`${action}: ${status} ${answer.error}`);
    this.status = status;
    this.code = answer.code;
  }
}

export class Api {
  #address;
  #headers;

  constructor(address, headers = {}) {
    this.#address = address;
    this.#headers = headers;
  }

  /** Signs an operator in; the answer's `cookie` is the session's. */
  static async signIn(address, login, password) {
    const response = await fetch(`${address}/api/admin.php/admin_login`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ login, password }) });
    const answer = await response.json();
    if (!answer.ok) throw new Refused('admin_login', response.status, answer);
    const [pair] = response.headers.getSetCookie()[0].split(';');
    const api = new Api(address, { Cookie: pair });
    const at = pair.indexOf('=');
    return Object.assign(api, { operator: answer.data.operator, cookie: { name: pair.slice(0, at), value: pair.slice(at + 1) } });
  }

  async #call(surface, action, fields) {
    const response = await fetch(`${this.#address}/api/${surface}.php/${action}`, { method: 'POST', headers: { 'Content-Type': 'application/json', ...this.#headers }, body: JSON.stringify(fields) });
    const answer = await response.json();
    if (!answer.ok) throw new Refused(action, response.status, answer);
    return answer.data;
  }

  admin(action, fields = {}) { return this.#call('admin', action, fields); }
  client(action, fields = {}) { return this.#call('client', action, fields); }

  async ticket(ticket_id) { return (await this.admin('get_ticket', { ticket_id })).ticket; }
  async messages(ticket_id) { return (await this.admin('get_ticket', { ticket_id })).messages; }
}
