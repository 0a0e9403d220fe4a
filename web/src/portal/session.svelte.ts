/** Who the portal serves: nobody yet, a client, or a client whose link has run out. */
import { ApiError, onSignedOut } from '../lib/api';
import { wear } from '../lib/brand';
import { lang, adoptLocale, type Locale } from '../lib/i18n/index.svelte';
import type { Category, ClientMe } from '../lib/types';
import { ask } from './api';
import { anyArticle } from './first';
import { askAhead } from './listing';
import { findToken, forgetToken, keepToken } from './token';

type Stage = 'loading' | 'unreachable' | 'outside' | 'expired' | 'inside';

let stage = $state<Stage>('loading');
let me = $state.raw<ClientMe>();
let categories = $state.raw<readonly Category[]>([]);
let articles = $state(false);
let problem = $state.raw<unknown>();
let inFrame = false;
/** The language the page spoke when the client came in, or chose last. */
let spoken: Locale = 'ru';
let texts: Promise<void> = Promise.resolve();

export const session = {
  get stage(): Stage { return stage; },
  get me(): ClientMe | undefined { return me; },
  get categories(): readonly Category[] { return categories; },
  /** Whether there is a knowledge base to read. */
  get hasArticles(): boolean { return articles; },
  get problem(): unknown { return problem; },
  get embedded(): boolean { return inFrame; },
  /** Keeps the drafts of two clients on one machine apart. */
  get owner(): string { return me ? `${me.portal_domain}:${me.user_id}` : ''; },
};

onSignedOut((_, surface) => {
  if (surface !== 'client') return;
  forgetToken(inFrame);
  stage = 'expired';
});

async function enter(): Promise<void> {
  stage = 'loading';
  try {
    // All that the first page shows is asked for at once: on a slow line it is the waits one after the other that take time.
    askAhead();
    // The way to the articles stands above everything else: to come later would push that down.
    const places = loadArticles().catch(() => undefined);
    me = await ask('me', {});
    wear(me.branding);
    await texts; // else the page's first language could arrive after the client's own and hide it
    if (!hasChosenLanguage()) await adoptLocale(me.locale);
    spoken = lang();
    await places;
    stage = 'inside';
    loadCategories().catch((error: unknown) => console.warn(error)); // tickets go without their names
  } catch (error) {
    if (stage !== 'loading') return; // signed out
    problem = error;
    if (error instanceof ApiError && error.status === 403) {
      forgetToken(inFrame);
      stage = 'expired';
    } else stage = 'unreachable';
  }
}

/** The names come in the language of the request, so they are asked for anew after it changes. */
export async function loadCategories(): Promise<void> {
  categories = await ask('list_categories', {});
}

async function loadArticles(): Promise<void> {
  articles = (await ask('kb_articles', anyArticle)).length > 0;
}

export const categoryName = (code: string | null): string => categories.find((category) => category.code === code)?.name ?? '';

function hasChosenLanguage(): boolean {
  try {
    return new URLSearchParams(location.search).has('lang') || localStorage.getItem('tp.lang') !== null;
  } catch { return false; }
}

export function begin(embedded: boolean, loadingTexts: Promise<void>): Promise<void> {
  inFrame = embedded;
  texts = loadingTexts;
  if (findToken(embedded)) return enter();
  stage = 'outside';
  return Promise.resolve();
}

export const retry = (): Promise<void> => enter();

export function enterWith(token: string): Promise<void> {
  keepToken(token, inFrame);
  return enter();
}

export function leave(): void {
  forgetToken(inFrame);
  me = undefined;
  stage = 'outside';
}

/**
 * A language chosen on the page is told to the desk, which writes its mail in it. One that came with the address or from
 * an earlier visit is not: it is a view of this browser, and the desk's setting is shared by the whole company.
 */
export async function tellLocale(): Promise<void> {
  if (stage !== 'inside' || lang() === spoken) return;
  spoken = lang();
  await ask('set_locale', { locale: spoken });
  await loadCategories();
}
