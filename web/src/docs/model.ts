/** The API document as the page shows it: a list of actions, each with all that is said of it. */
import type { Locale } from '../lib/types';
import { exampleOf, resolve, type Schema, type Schemas } from './schema';

export type Surface = 'admin' | 'client' | 'widget';
export const surfaces: readonly Surface[] = ['admin', 'client', 'widget'];

interface Media { schema?: Schema; example?: unknown }
interface Operation {
  tags?: readonly string[];
  summary?: string;
  description?: string;
  requestBody?: { content?: Readonly<Record<string, Media>> };
  responses?: Readonly<Record<string, { description?: string; content?: Readonly<Record<string, Media>> }>>;
  'x-summary'?: Partial<Record<Locale, string>>;
  'x-surface'?: string;
  'x-role'?: string;
  'x-scopes'?: readonly string[];
  'x-plan'?: string | null;
  'x-key'?: boolean;
}
export interface OpenApi {
  info: { title: string; version: string };
  tags?: readonly { name: string }[];
  paths: Readonly<Record<string, { post?: Operation }>>;
  components?: { schemas?: Schemas };
}

export interface Action {
  surface: Surface;
  name: string;
  /** What the page is deep-linked by: `admin/list_tickets`. */
  id: string;
  group: string;
  title: Partial<Record<Locale, string>> & { en: string };
  description: string;
  role: string;
  scopes: readonly string[];
  plan: string;
  /** Whether an API key may call it. */
  byKey: boolean;
  takesFiles: boolean;
  input: Schema;
  output: Schema | undefined;
  example: Readonly<Record<string, unknown>>;
  /** Answers other than success, as the document lists them. */
  refusals: readonly { status: string; description: string }[];
}
export interface Reference { version: string; actions: readonly Action[]; schemas: Schemas; codes: readonly string[] }

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function readAction(path: string, operation: Operation, schemas: Schemas): Action | undefined {
  const [, end, name] = /\/api\/(\w+)(?:\.php)?\/(\w+)$/.exec(path) ?? [];
  const surface = surfaces.find((x) => x === (operation['x-surface'] ?? end));
  if (!surface || !name) return undefined;
  const content = operation.requestBody?.content ?? {};
  const json = content['application/json'] ?? {};
  const input = json.schema ?? {};
  const described = resolve(input, schemas).description ?? operation.description ?? '';
  const example = isObject(json.example) ? json.example : exampleOf(input, schemas);
  const answers = Object.entries(operation.responses ?? {});
  const success = answers.find(([status]) => status === '200')?.[1].content?.['application/json']?.schema;
  const envelope = success ? resolve(success, schemas).properties : undefined;
  const scopes = operation['x-scopes'] ?? [];
  return {
    surface, name, id: `${surface}/${name}`,
    group: (operation.tags?.[0] ?? '').replace(`${surface}: `, ''),
    title: { ...operation['x-summary'], en: operation['x-summary']?.en ?? operation.summary ?? name },
    description: described.replace(/([^\n])\n(?!\n)/g, '$1 '), // lines are broken for the source, paragraphs for the reader
    role: operation['x-role'] ?? 'anyone',
    scopes,
    plan: operation['x-plan'] ?? '',
    byKey: operation['x-key'] ?? scopes.length > 0,
    takesFiles: 'multipart/form-data' in content,
    input,
    output: envelope?.data,
    example: isObject(example) ? example : {},
    refusals: answers.filter(([status]) => status !== '200').map(([status, answer]) => ({ status, description: answer.description ?? '' })),
  };
}

export function readReference(document: OpenApi): Reference {
  const schemas = document.components?.schemas ?? {};
  const actions = Object.entries(document.paths).flatMap(([path, { post }]) => (post ? (readAction(path, post, schemas) ?? []) : []));
  const order = document.tags?.map(({ name }) => name) ?? [];
  const place = ({ surface, group }: Action) => order.indexOf(`${surface}: ${group}`);
  actions.sort((a, b) => place(a) - place(b)); // groups as the server orders them; within one the document's own order stays
  const codes = schemas.Error?.properties?.code?.enum ?? [];
  return { version: document.info.version, actions, schemas, codes: codes.filter((code) => typeof code === 'string') };
}

export const method = 'POST';
export const endpointOf = (surface: Surface): string => `/api/${surface}.php`;
export const pathOf = (action: Action): string => `${endpointOf(action.surface)}/${action.name}`;
export const titleOf = (action: Action, locale: Locale): string => action.title[locale] ?? action.title.en;

/** Finds the action of an address: `admin/list_tickets`, or a name alone, which means the first endpoint that has it. */
export function findAction(actions: readonly Action[], parts: readonly string[]): Action | undefined {
  return parts.length === 1 ? actions.find((action) => action.name === parts[0]) : actions.find((action) => action.id === parts.join('/'));
}

const plain = (text: string) => text.toLowerCase().replaceAll('ё', 'е');

/** Actions whose name, title or parameter names have every word asked for. */
export function search(actions: readonly Action[], words: string, locale: Locale, schemas: Schemas): readonly Action[] {
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  if (!wanted.length) return actions;
  return actions.filter((action) => {
    const text = plain([action.name, action.name.replaceAll('_', ' '), titleOf(action, locale), action.title.en, ...Object.keys(resolve(action.input, schemas).properties ?? {})].join(' '));
    return wanted.every((word) => text.includes(word));
  });
}

/** Actions by their group, in the order of the document. */
export function grouped(actions: readonly Action[]): Map<string, Action[]> {
  const groups = new Map<string, Action[]>();
  for (const action of actions) groups.set(action.group, [...(groups.get(action.group) ?? []), action]);
  return groups;
}
