/** Element building without innerHTML, so a host page under Trusted Types works too. */
type Properties<E> = Partial<Omit<E, 'style' | 'role'>> & Record<`aria-${string}` | `data-${string}` | 'role', string | undefined>;

/** `aria-…`, `data-…` and `role` become attributes (older Firefox lacks those properties); all else is set as a property. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, properties: Partial<Properties<HTMLElementTagNameMap[K]>> = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (/^role|-/.test(name)) node.setAttribute(name, value);
    else Object.assign(node, { [name]: value });
  }
  node.append(...children);
  return node;
}

export const button = (className: string, caption: string, onclick: () => void, label?: string): HTMLButtonElement => h('button', { type: 'button', className, onclick, 'aria-label': label }, caption);

export const link = (href: string, caption: string): HTMLAnchorElement => h('a', { href, target: '_blank', rel: 'noopener nofollow' }, caption);
