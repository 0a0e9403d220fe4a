/** Vite: `x.svg?path` is the drawing of an icon as one path, so that a page draws it without reading any SVG. Its looks (stroke, width) are the page's own. */
import { readFile } from 'node:fs/promises';
import Path, { type PathArray, type ShapeTypes } from 'svg-path-commander';
import type { Plugin } from 'vite';

const digits = 3;

/** A rectangle with arcs for corners; the library has curves there that a small round shape shows. */
function rectangle({ x = 0, y = 0, width = 0, height = 0, rx = 0, ry = rx }: Record<string, number>): string {
  const [w, h] = [width - 2 * rx, height - 2 * ry];
  const corner = (dx: number, dy: number) => (rx ? `a${rx} ${ry} 0 0 1 ${dx} ${dy}` : '');
  return `M${x + rx} ${y}h${w}${corner(rx, ry)}v${h}${corner(-rx, ry)}h${-w}${corner(-rx, -ry)}v${-h}${corner(rx, -ry)}z`;
}

/** The path of one element of an icon, which begins at an absolute place and so may follow another. */
function pathOf(type: string, given: Readonly<Record<string, string>>): string | PathArray {
  if (type === 'path') return given.d ?? '';
  if (type === 'rect') return rectangle(Object.fromEntries(Object.entries(given).map(([name, value]) => [name, Number(value)])));
  const path = Path.shapeToPathArray({ type, ...given } as unknown as ShapeTypes);
  if (!path) throw new Error(`an icon has a <${type}>`);
  return path;
}

export function pathOfIcon(svg: string): string {
  const inside = svg.slice(svg.indexOf('>', svg.indexOf('<svg')) + 1);
  return [...inside.matchAll(/<(\w+)\s([^>]*?)\/?>/g)].map(([, type = '', attributes = '']) => {
    const given = Object.fromEntries([...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
    const path = Path.optimizePath(Path.pathToAbsolute(pathOf(type, given)), digits);
    if (path[0]) path[0][0] = 'M';
    return Path.pathToString(path, digits);
  }).join('');
}

export const icons = (): Plugin => ({
  name: 'icons',
  enforce: 'pre',
  async load(id): Promise<string | undefined> {
    if (!id.endsWith('.svg?path')) return undefined;
    return `export default ${JSON.stringify(pathOfIcon(await readFile(id.slice(0, -'?path'.length), 'utf8')))}`;
  },
});
