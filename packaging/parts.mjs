// What the program is made of, from the two lock files: node packaging/parts.mjs FOLDER writes sbom.cdx.json (CycloneDX 1.5)
// and licences.txt, the licence of every crate and npm package with the text that came with it.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [folder] = process.argv.slice(2);
if (!folder) {
  console.error('name the folder to write to');
  process.exit(2);
}

/** The crates that the binary for Linux is linked from, without those that only build or test it. */
function crates() {
  const target = 'x86_64-unknown-linux-gnu';
  const arguments_ = ['metadata', '--locked', '--format-version', '1', '--filter-platform', target];
  const metadata = JSON.parse(execFileSync('cargo', arguments_, { cwd: root, maxBuffer: 1 << 28 }));
  const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
  const linked = new Set();
  const open = [metadata.resolve.root];
  for (let id = open.pop(); id; id = open.pop()) {
    if (linked.has(id)) continue;
    linked.add(id);
    const normal = nodes.get(id).deps.filter((dep) => dep.dep_kinds.some((kind) => kind.kind === null));
    open.push(...normal.map((dep) => dep.pkg));
  }
  const sums = new Map();
  for (const block of readFileSync(join(root, 'Cargo.lock'), 'utf8').split('[[package]]')) {
    const field = (name) => block.match(new RegExp(`^${name} = "(.*)"$`, 'm'))?.[1];
    if (field('checksum')) sums.set(`${field('name')} ${field('version')}`, field('checksum'));
  }
  return metadata.packages
    .filter((found) => linked.has(found.id) && found.id !== metadata.resolve.root)
    .map((found) => ({
      name: found.name,
      version: found.version,
      licence: found.license ?? 'see the text',
      purl: `pkg:cargo/${found.name}@${found.version}`,
      hash: sums.has(`${found.name} ${found.version}`) && {
        alg: 'SHA-256',
        content: sums.get(`${found.name} ${found.version}`),
      },
      from: dirname(found.manifest_path),
    }));
}

/** The npm packages of the front end, without those that only build or test it. */
function packages() {
  const lock = JSON.parse(readFileSync(join(root, 'web/package-lock.json'), 'utf8'));
  return Object.entries(lock.packages)
    .filter(([path, found]) => path && !found.dev && !found.optional)
    .map(([path, found]) => {
      const name = path.split('node_modules/').pop();
      const [kind, sum] = (found.integrity ?? '').split('-');
      return {
        name,
        version: found.version,
        licence: found.license ?? 'see the text',
        purl: `pkg:npm/${name.replace('@', '%40')}@${found.version}`,
        hash: kind === 'sha512' && { alg: 'SHA-512', content: Buffer.from(sum, 'base64').toString('hex') },
        from: join(root, 'web', path),
      };
    });
}

/** The texts that a package brings along. */
function texts(from) {
  let names = [];
  try {
    names = readdirSync(from).filter((name) => /^(licen[cs]e|copying|notice|unlicense)/i.test(name));
  } catch {
    // A package that is not unpacked here is named without its text.
  }
  return names.sort().flatMap((name) => {
    try {
      return [readFileSync(join(from, name), 'utf8').trim()];
    } catch {
      return [];
    }
  });
}

const parts = [...crates(), ...packages()].sort((one, other) => one.purl.localeCompare(other.purl, 'en'));
const version = readFileSync(join(root, 'Cargo.toml'), 'utf8').match(/^version = "(.*)"$/m)[1];
const sbom = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  metadata: {
    component: { type: 'application', name: 'tehprof', version, licenses: [{ expression: 'AGPL-3.0-or-later' }] },
  },
  components: parts.map((part) => ({
    type: 'library',
    'bom-ref': part.purl,
    name: part.name,
    version: part.version,
    purl: part.purl,
    licenses: [part.licence.includes(' ') ? { expression: part.licence.replaceAll('/', ' OR ') } : { license: { name: part.licence } }],
    ...(part.hash ? { hashes: [part.hash] } : {}),
  })),
};
writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(sbom, null, 1)}\n`);
const chapters = parts.map((part) => {
  const line = `${part.name} ${part.version}: ${part.licence}`;
  return [line, '='.repeat(line.length), ...texts(part.from)].join('\n\n');
});
writeFileSync(join(folder, 'licences.txt'), `${chapters.join('\n\n\n')}\n`);
console.log(`parts: ${parts.length}`);
