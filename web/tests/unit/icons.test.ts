import { readFileSync } from 'node:fs';
import Path from 'svg-path-commander';
import { expect, it } from 'vitest';
import { pathOfIcon } from '../../scripts/icons';

const names = ['src/lib/ui/icons.ts', 'src/tenant/icons.ts'].flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/icons\/([\w-]+)\.svg/g)].map(([, name]) => name ?? ''));
const source = (name: string) => readFileSync(`node_modules/lucide-static/icons/${name}.svg`, 'utf8');

it('a path that begins where the last one ended stands where it stood alone', () => {
  expect(pathOfIcon('<svg a="b"><path d="m5 12 5 5" /><path d="m1 2-2 2z" /></svg>')).toBe('M5 12l5 5M1 2l-2 2z');
});

it('circles, lines and round corners become the path they look like', () => {
  expect(pathOfIcon('<svg ><line x1="1" y1="2" x2="3" y2="4" /><circle cx="5" cy="5" r="2" /></svg>')).toMatch(/^M1 2l2 2M3 5a2 2 0 1 0 4 0/);
  expect(pathOfIcon('<svg ><rect width="6" height="4" x="1" y="1" rx="1" /></svg>')).toMatch(/^M2 1h4a1 1 0 0 1 1 1v2A1 1 0 0 1 6 5H/);
});

it('every icon keeps its place', () => {
  expect(names.length).toBeGreaterThan(60);
  for (const name of names) {
    const path = pathOfIcon(source(name));
    expect(Path.isValidPath(path), name).toBe(true);
    const { x, y, x2, y2 } = Path.getPathBBox(path);
    expect(Math.min(x, y) >= 0.9 && Math.max(x2, y2) <= 23.1, `${name}: ${x} ${y} ${x2} ${y2}`).toBe(true);
    expect([...path.matchAll(/M/gi)].length, name).toBeGreaterThanOrEqual([...source(name).matchAll(/<(path|circle|rect|line|polyline)\b/g)].length);
  }
});
