/**
 * What every page does before anything is painted: picks theme and language, so there is no flash, and has the texts of that
 * language fetched beside the rest (the build names their files at the script). Files of their own for a strict CSP.
 */
const { documentElement: html, currentScript } = document;
/** What the page's script element says. */
export const told = currentScript?.dataset ?? {};
export const kept = (name: string) => { try { return localStorage.getItem(`tp.${name}`); } catch { return null; } };
const query = new URLSearchParams(location.search);

const theme = query.get('theme') || kept('theme');
if (theme === 'light' || theme === 'dark') html.dataset.theme = theme;
const lang = query.get('lang') || kept('lang') || kept('shown') || navigator.language.slice(0, 2);
html.lang = lang === 'kk' || lang === 'en' ? lang : 'ru';

/** Has the named modules fetched, before those that import them are here. */
export function preload(files = ''): void {
  for (const file of files.split(' ').filter(Boolean)) {
    const link = document.createElement('link');
    link.rel = 'modulepreload';
    link.href = file;
    document.head.append(link);
  }
}
preload(told[html.lang]);
