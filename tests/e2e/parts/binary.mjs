/** Which program to test: the one that is named, else what cargo has built, the release before the debug one. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function findBinary(given) {
  const built = ['release', 'debug'].map((profile) => fileURLToPath(new URL(`../../../target/x86_64-unknown-linux-gnu/${profile}/tehprof`, import.meta.url)));
  const binary = [given, ...built].find((path) => path && existsSync(path));
  if (!binary || (given && binary !== given)) throw new Error(`no program at ${given ?? built.join(' or ')}: build it or name one by --binary`);
  return binary;
}
