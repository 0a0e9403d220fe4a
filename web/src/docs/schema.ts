/** Reading JSON Schema as OpenAPI 3.1 writes it: types in words, fields of an object, an example of a value. */
export interface Schema {
  $ref?: string;
  type?: string | readonly string[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema | boolean;
  additionalProperties?: Schema | boolean;
  allOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  anyOf?: readonly Schema[];
  enum?: readonly unknown[];
  const?: unknown;
  default?: unknown;
  format?: string;
  description?: string;
  minLength?: number; maxLength?: number; minimum?: number; maximum?: number; minItems?: number; maxItems?: number; pattern?: string;
}
export type Schemas = Readonly<Record<string, Schema>>;

/** One row of a table of parameters or of an answer's tree. */
export interface Field { name: string; schema: Schema; required: boolean }

const refName = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);

/** Follows references; words written beside a reference win over those of what it names. A circle of bare references ends. */
export function resolve(schema: Schema, all: Schemas): Schema {
  let found = schema;
  for (const seen = new Set<string>(); found.$ref && !seen.has(found.$ref);) {
    seen.add(found.$ref);
    const { $ref, ...beside } = found;
    found = { ...all[refName($ref)], ...beside };
  }
  return found;
}

const isNull = (schema: Schema): boolean => schema.type === 'null' || schema.const === null;

/** The alternatives of a schema without «null», which is said in a word instead. */
export function alternatives(schema: Schema): { options: readonly Schema[]; nullable: boolean } {
  const options = schema.oneOf ?? schema.anyOf ?? [];
  const types = Array.isArray(schema.type) ? schema.type : [];
  return { options: options.filter((option) => !isNull(option)), nullable: options.some(isNull) || types.includes('null') };
}

/** The object or array that a value is made of, past references, nulls and lists; nothing for plain values. */
export function inside(schema: Schema, all: Schemas): Schema | undefined {
  const found = resolve(schema, all);
  if (found.properties || found.allOf) return found;
  if (typeof found.items === 'object') return inside(found.items, all);
  if (typeof found.additionalProperties === 'object') return inside(found.additionalProperties, all);
  const { options } = alternatives(found);
  return options.length === 1 && options[0] ? inside(options[0], all) : undefined;
}

/** The fields of an object, its `allOf` parts taken together. */
export function fieldsOf(schema: Schema, all: Schemas): Field[] {
  const found = resolve(schema, all);
  const own = Object.entries(found.properties ?? {}).map(([name, field]) => ({ name, schema: field, required: found.required?.includes(name) ?? false }));
  const parts = (found.allOf ?? []).flatMap((part) => fieldsOf(part, all));
  return [...parts.filter((part) => !own.some((field) => field.name === part.name)), ...own];
}

/** Parameters in the order of a reader's interest: what cannot be left out first. */
export const requiredFirst = (fields: readonly Field[]): Field[] => [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)];

/** The type in the words of JSON: `integer`, `string[]`, `Ticket | null`. */
export function typeText(schema: Schema, all: Schemas): string {
  const name = schema.$ref ? refName(schema.$ref) : '';
  const found = resolve(schema, all);
  const { options, nullable } = alternatives(found);
  const or = (text: string) => (nullable ? `${text} | null` : text);
  const words = options.length > 0 && options.every((option) => typeof resolve(option, all).const === 'string');
  if (words) return or('string'); // its values are listed beside it
  if (options.length) return or([...new Set(options.map((option) => typeText(option, all)))].join(' | '));
  if (found.const !== undefined) return JSON.stringify(found.const);
  const type = Array.isArray(found.type) ? found.type.filter((x) => x !== 'null').join(' | ') : (found.type as string | undefined);
  if (type === 'array') {
    const items = typeof found.items === 'object' ? typeText(found.items, all) : 'any';
    return or(items.includes(' | ') ? `(${items})[]` : `${items}[]`);
  }
  if (found.properties || found.allOf || type === 'object') return or(name || 'object');
  return or(type ?? (found.enum ? 'string' : 'any'));
}

/** Values a field is limited to, wherever a reference or a list hides them. */
export function choices(schema: Schema, all: Schemas): readonly unknown[] {
  const found = resolve(schema, all);
  if (found.enum) return found.enum;
  if (typeof found.items === 'object') return choices(found.items, all);
  return alternatives(found).options.flatMap((option) => {
    const plain = resolve(option, all);
    return plain.const !== undefined ? [plain.const] : choices(plain, all);
  });
}

export type Limit = { kind: 'length' | 'value' | 'items'; low: number | undefined; high: number | undefined } | { kind: 'format'; name: string } | { kind: 'default'; value: string };

/** The limits of a value, to be put into words by the page. */
export function limits(schema: Schema, all: Schemas): Limit[] {
  const found = resolve(schema, all);
  const { options } = alternatives(found);
  if (options.length === 1 && options[0]) return limits({ ...resolve(options[0], all), ...(found.default === undefined ? {} : { default: found.default }) }, all);
  const spans: Limit[] = ([['length', found.minLength, found.maxLength], ['value', found.minimum, found.maximum], ['items', found.minItems, found.maxItems]] as const)
    .filter(([, low, high]) => low !== undefined || high !== undefined)
    .map(([kind, low, high]) => ({ kind, low, high }));
  if (found.format && !/^u?int|^double$|^float$/.test(found.format)) spans.push({ kind: 'format', name: found.format });
  if (found.default !== undefined && found.default !== null) spans.push({ kind: 'default', value: JSON.stringify(found.default) });
  return spans;
}

/** A value that fits: for actions whose example the document lacks. Required fields only, three levels deep. */
export function exampleOf(schema: Schema, all: Schemas, depth = 0): unknown {
  const found = resolve(schema, all);
  if (found.const !== undefined) return found.const;
  if (found.default !== undefined) return found.default;
  if (found.enum?.length) return found.enum[0];
  const { options } = alternatives(found);
  if (options[0]) return exampleOf(options[0], all, depth);
  const fields = fieldsOf(found, all);
  if (fields.length) return Object.fromEntries(fields.filter((field) => field.required && depth < 3).map((field) => [field.name, exampleOf(field.schema, all, depth + 1)]));
  const type = Array.isArray(found.type) ? found.type[0] : found.type;
  if (type === 'array') return [];
  if (type === 'integer' || type === 'number') return found.minimum ?? 1;
  if (type === 'boolean') return true;
  if (type === 'object') return {};
  return found.format === 'date-time' ? '2026-03-19T10:30:00.000Z' : '…';
}
