// Writes src/lib/schema.d.ts from the server's OpenAPI document: `tehprof openapi | npm run schema`.
// With --check it writes nothing and fails when the file is not what the document says.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const file = 'src/lib/schema.d.ts';
// A pipe may have nothing to read yet, which a synchronous read takes for an error.
let read = '';
for await (const chunk of process.stdin.setEncoding('utf8')) read += chunk;
const document = JSON.parse(read);
const schemas = document.components.schemas;

// Types only, in an order that does not depend on the server's: what people read about a field stands in the reference page.
const sorted = (entries) => entries.sort(([a], [b]) => (a < b ? -1 : 1));
const bare = (value) => {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== 'object' || value === null) return value;
  const { description, title, format, default: _, example, examples, ...rest } = value;
  const kept = typeof description === 'string' ? {} : { ...(description && { description }) };
  for (const [name, part] of Object.entries({ title, format, example, examples })) if (typeof part === 'object' && part !== null && !Array.isArray(part)) kept[name] = part;
  return Object.fromEntries(sorted(Object.entries({ ...kept, ...rest })).map(([name, part]) => [name, bare(part)]));
};

// Each body and answer gets a name, so that an action is one line: what goes in, what comes out.
const named = (schema, name) => {
  const reference = schema?.$ref?.split('/').at(-1);
  if (reference) return reference;
  schemas[name] = schema ?? { type: 'object' };
  return name;
};
const surfaces = {};
for (const [path, { post }] of sorted(Object.entries(document.paths))) {
  const [, surface, action] = /^\/api\/(\w+)\.php\/(\w+)$/.exec(path) ?? [];
  if (!post || !action) continue;
  const name = `${surface}_${action}`;
  const body = post.requestBody?.content?.['application/json']?.schema;
  const answer = post.responses['200'].content['application/json'].schema.properties.data;
  (surfaces[surface] ??= []).push(`    ${action}: { in: S['${named(body, `${name}_in`)}']; out: S['${named(answer, `${name}_out`)}'] };`);
}

const types = astToString(await openapiTS({ openapi: '3.1.0', info: { title: '', version: '' }, paths: {}, components: { schemas: bare(schemas) } }));
const components = types.slice(types.indexOf('export interface components'), types.indexOf('export type $defs'));
const text = `// Written by scripts/schema.mjs from the server's OpenAPI document.\n\n${components}type S = components['schemas'];\nexport interface actions {\n${Object.entries(surfaces).map(([surface, lines]) => `  ${surface}: {\n${lines.join('\n')}\n  };`).join('\n')}\n}\n`;

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is not what the server says: run \`tehprof openapi | npm run schema\` in web/`);
    process.exit(1);
  }
} else writeFileSync(file, text);
