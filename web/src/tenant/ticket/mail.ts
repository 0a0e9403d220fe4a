/**
 * Prepares the sanitised HTML of a mail for the frame it is shown in: links open outside, pictures of the mail itself are
 * found among its files, remote pictures wait, the quote is put aside. Inline styles travel as data: the page's policy lets
 * no style attribute through, but lets the page itself set styles on the nodes of the frame.
 */
import type { File } from '../../lib/types';

export interface Mail { html: string; remote: number; quoted: boolean; styled: boolean }

const safeLink = /^(https?:|mailto:|tel:)/i;
const remoteImage = /^(https?:)?\/\//i;
const squeeze = (text: string) => text.replace(/\s+/g, '');

/** Takes everything that follows `node` out of `body`, with copies of the elements it was inside. */
function cutAfter(node: Node, body: HTMLElement): Node[] {
  let cut: Node[] = [];
  for (let at = node; at !== body && at.parentNode; at = at.parentNode) {
    while (at.nextSibling) cut.push(at.parentNode.removeChild(at.nextSibling));
    if (at.parentNode === body || !cut.length) continue;
    const shell = at.parentNode.cloneNode(false);
    for (const part of cut) shell.appendChild(part);
    cut = [shell];
  }
  return cut;
}

/** Moves everything after the first `length` visible characters into one hidden block; false when the text does not agree. */
function foldAfter(body: HTMLElement, visible: string): boolean {
  const wanted = squeeze(visible);
  const document = body.ownerDocument;
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  let seen = '';
  let last: Node | undefined;
  while (seen.length < wanted.length && walker.nextNode()) {
    last = walker.currentNode;
    seen += squeeze(last.textContent ?? '');
  }
  if (!last || seen !== wanted) return false;
  const box = document.createElement('div');
  box.dataset.quote = '';
  box.hidden = true;
  box.append(...cutAfter(last, body));
  if (!box.textContent?.trim() && !box.querySelector('img')) return false;
  body.append(box);
  return true;
}

function foldQuote(body: HTMLElement, visible: string | undefined): boolean {
  const marked = body.querySelector('details.quoted');
  if (marked) {
    const box = body.ownerDocument.createElement('div');
    box.dataset.quote = '';
    box.hidden = true;
    marked.querySelector(':scope > summary')?.remove();
    box.append(...marked.childNodes);
    marked.replaceWith(box);
    return true;
  }
  if (visible === undefined) return false;
  if (foldAfter(body, visible)) return true;
  const quote = body.querySelector<HTMLElement>('blockquote');
  if (!quote) return false;
  quote.dataset.quote = '';
  quote.hidden = true;
  return true;
}

const tag = /<[a-z](?:[^>"']|"[^"]*"|'[^']*')*>/gi;
/** Style attributes by another name: merely parsing one would already be reported as a breach of the page's policy. */
const shelve = (html: string) => html.replace(tag, (found) => found.replace(/\sstyle(?=\s*=)/gi, ' data-style'));

/** `visible` is the text before the quote, when the mail has one; `images` lets remote pictures in. */
export function prepare(html: string, files: readonly File[], visible: string | undefined, images: boolean): Mail {
  const document = new DOMParser().parseFromString(shelve(html), 'text/html');
  const { body } = document;
  let remote = 0;
  for (const node of body.querySelectorAll('script, style, link, meta, base, iframe, object, embed, form')) node.remove();
  for (const img of body.querySelectorAll('img')) {
    const src = img.dataset.remoteSrc ?? img.getAttribute('src') ?? '';
    delete img.dataset.remoteSrc;
    img.removeAttribute('srcset');
    if (/^cid:/i.test(src)) {
      const file = files.find((x) => x.content_id !== null && x.content_id.replace(/^<|>$/g, '') === decodeURIComponent(src.slice(4)));
      if (file) img.src = new URL(file.url, window.document.baseURI).href;
      else img.removeAttribute('src');
    } else if (remoteImage.test(src) && new URL(src, location.href).origin !== location.origin) {
      remote += 1;
      img.referrerPolicy = 'no-referrer';
      if (images) img.src = src;
      else {
        img.removeAttribute('src');
        img.dataset.waiting = '';
      }
    }
    img.loading = 'lazy';
  }
  for (const link of body.querySelectorAll('a[href]')) {
    if (!safeLink.test(link.getAttribute('href') ?? '')) link.removeAttribute('href');
    link.setAttribute('target', '_blank');
    link.setAttribute('rel', 'noopener noreferrer');
  }
  let styled = body.querySelector('[bgcolor], font[color], table[border], table[width]') !== null;
  for (const node of body.querySelectorAll<HTMLElement>('[data-style]')) styled ||= /background|color/i.test(node.dataset.style ?? '');
  const quoted = foldQuote(body, visible);
  return { html: body.innerHTML, remote, quoted, styled };
}

/** The document of the frame: nothing but its own words and pictures may load. */
export function frame(mail: Mail, images: boolean): string {
  const pictures = `${location.origin} data: blob:${images ? ' https: http:' : ''}`;
  return `<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src ${pictures}"><base target="_blank"></head><body>${mail.html}</body></html>`;
}

const unfit = /^(position|z-index|float|width|min-width|max-width)$/;

/** Sets the kept styles on the nodes of a loaded frame, and ours over them so that the mail fits its place. */
export function dress(document: Document, look: { font: string; colour: string; link: string }): void {
  const { body } = document;
  Object.assign(body.style, { margin: '0', font: look.font, color: look.colour, overflowWrap: 'anywhere', overflowX: 'auto', overflowY: 'hidden' });
  for (const node of body.querySelectorAll<HTMLElement>('[data-style]')) {
    node.style.cssText = node.dataset.style ?? '';
    for (const name of Array.from(node.style)) if (unfit.test(name) && !/^(td|th|table|img)$/i.test(node.tagName)) node.style.removeProperty(name);
  }
  for (const link of body.querySelectorAll<HTMLElement>('a')) link.style.color ||= look.link;
  for (const img of body.querySelectorAll('img')) {
    img.style.maxWidth = '100%';
    if (img.dataset.waiting === undefined) img.style.height = 'auto';
  }
  for (const block of body.querySelectorAll<HTMLElement>('p')) block.style.marginTop ||= '0';
  for (const quote of body.querySelectorAll<HTMLElement>('blockquote')) Object.assign(quote.style, { margin: '8px 0 0', padding: '0 0 0 12px', borderLeft: '2px solid #9aa5ab' });
}
