/** An example call in four languages, made from one description, so that they never disagree. */
import { endpointOf, type Action } from './model';

export const languages = ['curl', 'JavaScript', 'Python', 'PHP'] as const;
export type Language = (typeof languages)[number];

export interface Request { url: string; headers: readonly (readonly [string, string])[]; body: Readonly<Record<string, unknown>>; cookies: boolean }

/** Who the example speaks as: a key where keys are taken, else the session's cookie, the client's token, or nobody. */
export function requestFor(action: Action, origin: string): Request {
  const credential: (readonly [string, string])[] = action.surface === 'client' ? [['X-Client-Token', 'ct_…']] : action.byKey ? [['X-Api-Key', 'tps_your_key']] : [];
  const body = action.surface === 'widget' ? { action: action.name, api_key: 'wk_…', ...action.example } : { action: action.name, ...action.example };
  return {
    url: `${origin}${endpointOf(action.surface)}`,
    headers: [['Content-Type', 'application/json'], ...credential],
    body,
    cookies: action.surface === 'admin' && !action.byKey,
  };
}

const indent = (text: string, by: string) => text.replaceAll('\n', `\n${by}`);
const shellQuoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function curl({ url, headers, body, cookies }: Request): string {
  return [
    `curl -X POST ${url}`,
    ...(cookies ? ['-b cookies.txt -c cookies.txt'] : []),
    ...headers.map(([name, value]) => `-H "${name}: ${value}"`),
    `-d ${shellQuoted(JSON.stringify(body, null, 2))}`,
  ].join(' \\\n  ');
}

function javascript({ url, headers, body, cookies }: Request): string {
  const options = `{
  method: 'POST',${cookies ? "\n  credentials: 'include'," : ''}
  headers: ${indent(JSON.stringify(Object.fromEntries(headers), null, 2), '  ')},
  body: JSON.stringify(${indent(JSON.stringify(body, null, 2), '  ')}),
}`;
  return `const response = await fetch('${url}', ${options});
const { ok, data, error } = await response.json();
if (!ok) throw new Error(error);`;
}

/** JSON as a Python literal. */
export function pythonOf(value: unknown, depth = 0): string {
  const pad = '    '.repeat(depth + 1);
  const end = `\n${'    '.repeat(depth)}`;
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return value.length ? `[${value.map((item) => pythonOf(item, depth)).join(', ')}]` : '[]';
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([name, item]) => `\n${pad}${JSON.stringify(name)}: ${pythonOf(item, depth + 1)},`);
    return entries.length ? `{${entries.join('')}${end}}` : '{}';
  }
  return JSON.stringify(value);
}

function python({ url, headers, body, cookies }: Request): string {
  const extra = headers.filter(([name]) => name !== 'Content-Type');
  const call = cookies ? 'session.post' : 'requests.post';
  const lines = [`    ${JSON.stringify(url)},`, ...(extra.length ? [`    headers=${pythonOf(Object.fromEntries(extra), 1)},`] : []), `    json=${pythonOf(body, 1)},`, '    timeout=30,'];
  return `import requests

${cookies ? 'session = requests.Session()  # after admin_login it holds the cookie\n' : ''}answer = ${call}(
${lines.join('\n')}
).json()
if not answer["ok"]:
    raise RuntimeError(answer["error"])
data = answer["data"]`;
}

/** JSON as a PHP literal. */
export function phpOf(value: unknown, depth = 0): string {
  const pad = '    '.repeat(depth + 1);
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map((item) => phpOf(item, depth)).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([name, item]) => `\n${pad}${phpOf(name)} => ${phpOf(item, depth + 1)},`);
    return entries.length ? `[${entries.join('')}\n${'    '.repeat(depth)}]` : '(object) []';
  }
  return JSON.stringify(value);
}

function php({ url, headers, body, cookies }: Request): string {
  return `$curl = curl_init('${url}');
curl_setopt_array($curl, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_POST => true,${cookies ? "\n    CURLOPT_COOKIEFILE => 'cookies.txt',\n    CURLOPT_COOKIEJAR => 'cookies.txt'," : ''}
    CURLOPT_HTTPHEADER => ${phpOf(headers.map(([name, value]) => `${name}: ${value}`), 1)},
    CURLOPT_POSTFIELDS => json_encode(${phpOf(body, 1)}, JSON_UNESCAPED_UNICODE),
]);
$answer = json_decode(curl_exec($curl), true);
if (!$answer['ok']) {
    throw new RuntimeException($answer['error']);
}
$data = $answer['data'];`;
}

const writers: Readonly<Record<Language, (request: Request) => string>> = { curl, JavaScript: javascript, Python: python, PHP: php };
export const snippet = (language: Language, request: Request): string => writers[language](request);
