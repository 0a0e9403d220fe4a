/** What anybody may expect of any page: no barrier that axe finds, nothing cut off sideways, no text too small to read. */
import assert from 'node:assert/strict';
import { axeSource } from './chromium.mjs';

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];
const grave = ['moderate', 'serious', 'critical'];
const smallest = 11;

/** The barriers of a page; `off` names rules that do not apply to it. */
async function barriers(page, off) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource);
  const { violations, passes } = await page.evaluate(([values, rules]) => window.axe.run(document, {
    runOnly: { type: 'tag', values }, rules: Object.fromEntries(rules.map((id) => [id, { enabled: false }])), resultTypes: ['violations'],
  }).then((found) => ({ violations: found.violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.slice(0, 3).map((node) => `${node.target.flat().join(' ')}: ${node.failureSummary?.split('\n')[1]?.trim()}`) })), passes: found.passes.length })), [tags, off]);
  assert.ok(passes > 5, 'axe has examined the page');
  return violations.filter(({ impact }) => grave.includes(impact)).flatMap(({ id, impact, nodes }) => nodes.map((node) => `${id} [${impact}] ${node}`));
}

/** Runs in the page. Scrollers hide what overflows them, so each one is measured, shadow roots included; an icon that nobody has drawn leaves a hole. */
function misfits(least) {
  const found = [];
  const name = (node) => `${node.tagName.toLowerCase()}${node.id ? `#${node.id}` : ''}.${String(node.className?.baseVal ?? node.className).replaceAll(' ', '.')} «${node.textContent.trim().slice(0, 30)}»`;
  const walk = (root) => {
    for (const node of root.querySelectorAll('*')) {
      if (node.shadowRoot) walk(node.shadowRoot);
      if (!node.checkVisibility?.({ visibilityProperty: true })) continue;
      const style = getComputedStyle(node);
      if (style.clipPath !== 'none') continue; // for screen readers alone
      const cuts = style.overflowX !== 'visible' && !/^(textarea|input|select|iframe)$/i.test(node.tagName) && !node.closest('svg') && node.clientWidth > 1;
      const strip = node.clientHeight < 72 && /auto|scroll/.test(style.overflowX) && node.querySelector('a, button'); // one row of choices that is meant to be pushed sideways
      const meant = strip || node.matches('pre') || style.textOverflow === 'ellipsis' || style.maskImage !== 'none';
      if (cuts && !meant && node.scrollWidth > node.clientWidth + 1) found.push(`overflow ${node.scrollWidth} > ${node.clientWidth}: ${name(node)}`);
      if (node.tagName === 'svg' && !node.childElementCount) found.push(`an empty picture: ${name(node.parentElement)}`);
      const bare = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
      const scale = node.ownerSVGElement ? node.getScreenCTM().a : 1;
      if (bare && parseFloat(style.fontSize) * scale < least) found.push(`text of ${style.fontSize}: ${name(node)}`);
    }
  };
  walk(document);
  if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} wide on ${innerWidth}`);
  return found;
}

/** Everything that is wrong with how a page looks, each with `where` before it. */
export async function faultsOf(page, where, off = []) {
  const found = [...(await page.evaluate(misfits, smallest)), ...(await barriers(page, off))];
  return found.map((fault) => `${where}: ${fault}`);
}
