/** Lays a tenant's looks over the page: its colours as a sheet (made here, as the page's policy lets no style element in) and its sign in the tab. */
import { contrast, hex, onColour, parse, readable, type Rgb } from './colour';

export interface Look { primary_color: string; accent_color?: string | null; favicon?: string | null }

/** The hardest surfaces that text of the brand's colour stands on, a chosen row in light and in dark: the server's own. */
export const surfaces = { light: [230, 236, 241] as Rgb, dark: [39, 49, 58] as Rgb };
export type Shade = keyof typeof surfaces;
export const isColour = (text: string): boolean => /^#[\da-f]{6}$/i.test(text);

/** What becomes of a colour: the text on it, and the shade of it that is text. */
export function shades(colour: string, on: Shade): { fill: string; on: string; text: string; kept: boolean } {
  const rgb = parse(colour);
  return { fill: colour, on: hex(onColour(rgb)), text: hex(readable(rgb, surfaces[on])), kept: contrast(rgb, surfaces[on]) >= 4.5 };
}

function rules({ primary_color, accent_color }: Look, on: Shade): string {
  const brand = shades(primary_color, on);
  const accent = accent_color && isColour(accent_color) ? shades(accent_color, on).text : brand.text;
  return `--brand:${brand.fill};--on-brand:${brand.on};--brand-text:${brand.text};--accent-text:${accent}`;
}

export function sheet(look: Look): string {
  if (!isColour(look.primary_color)) return '';
  return `html:root{${rules(look, 'light')}}@media (prefers-color-scheme:dark){html:root:not([data-theme=light]){${rules(look, 'dark')}}}html:root[data-theme=dark]{${rules(look, 'dark')}}`;
}

let worn: CSSStyleSheet | undefined;
export function wear(look: Look): void {
  if (!worn) {
    worn = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, worn];
  }
  worn.replaceSync(sheet(look));
  const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  if (icon) icon.href = look.favicon ?? './icon.svg';
}
