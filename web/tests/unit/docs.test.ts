import { describe, expect, it } from 'vitest';
import { findAction, grouped, readReference, search, titleOf, type OpenApi } from '../../src/docs/model';
import { choices, exampleOf, fieldsOf, inside, limits, requiredFirst, resolve, typeText, type Schemas } from '../../src/docs/schema';
import { languages, phpOf, pythonOf, requestFor, snippet } from '../../src/docs/snippets';

const schemas: Schemas = {
  Ticket: { type: 'object', required: ['id'], properties: { id: { type: 'integer' }, parent: { anyOf: [{ $ref: '#/components/schemas/Ticket' }, { type: 'null' }] }, status: { $ref: '#/components/schemas/Status' } } },
  Status: { oneOf: [{ const: 'new', description: 'just come' }, { const: 'done' }] },
  Loop: { $ref: '#/components/schemas/Loop' },
};
const ticket = { $ref: '#/components/schemas/Ticket' };

describe('a schema in words', () => {
  it.each([
    [{ type: 'integer' }, 'integer'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ type: 'array', items: { type: 'string' } }, 'string[]'],
    [{ type: 'array', items: { type: ['integer', 'string'] } }, '(integer | string)[]'],
    [ticket, 'Ticket'],
    [{ anyOf: [ticket, { type: 'null' }] }, 'Ticket | null'],
    [{ const: true }, 'true'],
    [{ $ref: '#/components/schemas/Status' }, 'string'],
    [{}, 'any'],
  ])('%j is %s', (schema, text) => expect(typeText(schema, schemas)).toBe(text));
  it('ends at a reference to itself', () => {
    expect(resolve({ $ref: '#/components/schemas/Loop' }, schemas)).toEqual({ $ref: '#/components/schemas/Loop' });
    expect(Object.keys(inside({ type: 'array', items: ticket }, schemas)?.properties ?? {})).toEqual(['id', 'parent', 'status']);
  });
  it('lists the values of a choice wherever it is hidden', () => {
    expect(choices({ type: 'array', items: { $ref: '#/components/schemas/Status' } }, schemas)).toEqual(['new', 'done']);
    expect(choices({ anyOf: [{ enum: ['a', 'b'] }, { type: 'null' }] }, schemas)).toEqual(['a', 'b']);
  });
  it('takes the parts of allOf together', () => {
    const names = fieldsOf({ allOf: [ticket, { properties: { extra: {} } }] }, schemas).map((field) => [field.name, field.required]);
    expect(names).toEqual([['id', true], ['parent', false], ['status', false], ['extra', false]]);
  });
  it('names the limits and not the width of integers', () => {
    expect(limits({ type: 'integer', format: 'int64', minimum: 1, maximum: 100, default: 30 }, schemas)).toEqual([{ kind: 'value', low: 1, high: 100 }, { kind: 'default', value: '30' }]);
    expect(limits({ anyOf: [{ type: 'string', maxLength: 255, format: 'email' }, { type: 'null' }] }, schemas)).toEqual([{ kind: 'length', low: undefined, high: 255 }, { kind: 'format', name: 'email' }]);
  });
  it('puts required parameters first', () => {
    const fields = fieldsOf({ required: ['z'], properties: { a: {}, z: {}, b: {} } }, schemas);
    expect(requiredFirst(fields).map((field) => field.name)).toEqual(['z', 'a', 'b']);
  });
  it('makes an example of the required fields', () => {
    expect(exampleOf({ type: 'object', required: ['a', 'b', 'c'], properties: { a: { type: 'integer', minimum: 5 }, b: { $ref: '#/components/schemas/Status' }, c: ticket, d: { type: 'string' } } }, schemas)).toEqual({ a: 5, b: 'new', c: { id: 1 } });
  });
});

const operation = (name: string, extra: object = {}) => ({
  tags: ['admin: tickets'], summary: `Do ${name}`, 'x-surface': 'admin', 'x-role': 'operator', 'x-scopes': ['read', 'tickets'], 'x-key': true,
  requestBody: { content: { 'application/json': { schema: { properties: { search: { type: 'string' } } }, example: { search: 'it\'s «Ёлка»', deep: { list: [1, true, null] } } } } },
  responses: { 200: { content: { 'application/json': { schema: { properties: { ok: { const: true }, data: ticket } } } } }, 403: { description: 'no' } },
  ...extra,
});
const document: OpenApi = {
  info: { title: 'x', version: '1.2.3' },
  paths: {
    '/api/admin.php/list_tickets': { post: operation('list', { 'x-summary': { ru: 'Список заявок, ещё', kk: 'Тізім', en: 'List' } }) },
    '/api/admin.php/admin_login': { post: operation('login', { 'x-key': false, 'x-scopes': [] }) },
    '/api/client.php/list_tickets': { post: operation('own', { 'x-surface': 'client', tags: ['client: tickets'] }) },
    '/api/widget.php/config': { post: operation('config', { 'x-surface': 'widget', tags: ['widget: widget'] }) },
    '/api/health.php': {},
  },
  components: { schemas: { ...schemas, Error: { properties: { code: { enum: ['a', 'b'] } } } } },
};
const reference = readReference(document);
const action = (id: string) => {
  const found = findAction(reference.actions, id.split('/'));
  if (!found) throw new Error(id);
  return found;
};

describe('the reference', () => {
  it('has every action and the error codes', () => {
    expect(reference.actions.map((a) => a.id)).toEqual(['admin/list_tickets', 'admin/admin_login', 'client/list_tickets', 'widget/config']);
    expect([reference.version, reference.codes]).toEqual(['1.2.3', ['a', 'b']]);
    expect(action('admin/list_tickets')).toMatchObject({ group: 'tickets', output: ticket, refusals: [{ status: '403', description: 'no' }] });
  });
  it('keeps the groups in the order of the server and joins the lines of a description', () => {
    const two = readReference({ ...document, tags: [{ name: 'widget: widget' }, { name: 'admin: tickets' }, { name: 'client: tickets' }] });
    expect(two.actions.map((a) => a.id)).toEqual(['widget/config', 'admin/list_tickets', 'admin/admin_login', 'client/list_tickets']);
    const described = readReference({ ...document, paths: { '/api/admin.php/x': { post: operation('x', { requestBody: { content: { 'application/json': { schema: { description: 'One\nline.\n\nNext.' } } } } }) } } });
    expect(described.actions[0]?.description).toBe('One line.\n\nNext.');
  });
  it('finds an action by a bare name and nothing by an unknown one', () => {
    expect(findAction(reference.actions, ['list_tickets'])?.id).toBe('admin/list_tickets');
    expect(findAction(reference.actions, ['client', 'nothing'])).toBeUndefined();
  });
  it('speaks the language of the page where the server does', () => {
    expect([titleOf(action('admin/list_tickets'), 'kk'), titleOf(action('admin/admin_login'), 'kk')]).toEqual(['Тізім', 'Do login']);
  });
  it('is searched by words of name, title and parameters, whatever the letter case and ё', () => {
    const ids = (words: string) => search(reference.actions, words, 'ru', reference.schemas).map((a) => a.id);
    expect(ids('СПИСОК еще')).toEqual(['admin/list_tickets']);
    expect(ids('list tickets')).toEqual(['admin/list_tickets', 'client/list_tickets']);
    expect(ids('search')).toHaveLength(4);
    expect(ids('nothing')).toEqual([]);
    expect([...grouped(reference.actions).keys()]).toEqual(['tickets', 'widget']);
  });
});

describe('an example call', () => {
  it('speaks as the caller the action is for', () => {
    const heads = (id: string) => Object.fromEntries(requestFor(action(id), 'http://desk').headers);
    expect(heads('admin/list_tickets')['X-Api-Key']).toBe('tps_your_key');
    expect(heads('client/list_tickets')['X-Client-Token']).toBeTruthy();
    expect(requestFor(action('admin/admin_login'), '').cookies).toBe(true);
    expect(requestFor(action('widget/config'), '').body.api_key).toBeTruthy();
  });
  it('names the action in every language', () => {
    for (const language of languages) expect(snippet(language, requestFor(action('admin/list_tickets'), 'http://desk')), language).toMatch(/['"]action['"]:? ?(=>)? ?['"]list_tickets['"]/);
  });
  it('quotes for the shell', () => expect(snippet('curl', requestFor(action('admin/list_tickets'), ''))).toContain(`it'\\''s «Ёлка»`));
  it('writes literals of Python and PHP', () => {
    expect(pythonOf({ a: [true, null], b: {} })).toBe('{\n    "a": [True, None],\n    "b": {},\n}');
    expect(phpOf({ a: [true, null], b: "it's" })).toBe("[\n    'a' => [true, null],\n    'b' => 'it\\'s',\n]");
  });
  it('is a JavaScript that parses', () => {
    const body = snippet('JavaScript', requestFor(action('admin/admin_login'), 'http://desk'));
    expect(() => new Function(`return async () => {${body}}`)).not.toThrow();
  });
});
