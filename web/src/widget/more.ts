/**
 * What only some visitors need, in a file of its own that is fetched when they do: answers from the knowledge base, and the
 * way to a request that was made elsewhere. The loader hands over its own parts, so that none is carried twice.
 */
import css from './article.css?inline';
import type { Desk } from './desk';
import type { Kit } from './kit';
import type { Article, Conversation } from './wire';

const words = {
  search: ['Найти ответ', 'Жауап іздеу', 'Find an answer'],
  back: ['Назад', 'Артқа', 'Back'],
  noHelp: ['Не помогло — написать нам', 'Көмектеспеді — бізге жазу', 'It did not help — write to us'],
  number: ['Номер заявки', 'Өтінім нөмірі', 'Request number'],
  find: ['Найти', 'Табу', 'Find'],
  strict: ['Прежняя заявка открывается в том браузере, в котором её написали.', 'Бұрынғы өтінім ол жазылған браузерде ашылады.', 'An earlier request opens in the browser it was written in.'],
} as const;
const columns = ['ru', 'kk', 'en'];
const shown = /^(h[1-6]|p|[uod]l|li|d[td]|blockquote|pre|code|strong|em|del|su[bp]|table|t(head|body|r|h|d)|br|hr)$/;

/** The server's sanitised HTML as nodes, made without `innerHTML`: a host page under Trusted Types works too. */
export function rich({ h, link }: Pick<Kit, 'h' | 'link'>, html: string, base: URL): Node[] {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', nbsp: '\u00a0', amp: '&' };
  const text = (raw: string) => raw.replace(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole);
  const root = document.createDocumentFragment();
  const open: (HTMLElement | DocumentFragment)[] = [root];
  for (const [, close, name = '', attributes = '', run] of html.matchAll(/<(\/?)(\w+)((?:"[^"]*"|[^">])*)>|([^<]+)/g)) {
    if (run) open.at(-1)?.append(text(run));
    else if (close) {
      if (open.length > 1) open.pop();
    } else {
      const href = /href="((?:https?:|\/|mailto:|tel:)[^"]*)"/.exec(attributes)?.[1];
      const node = name === 'a' && href ? link(new URL(text(href), base).href, '') : h(shown.test(name) ? (name as 'p') : 'span');
      open.at(-1)?.append(node);
      if (!/^([bh]r|input)$/.test(name)) open.push(node);
    }
  }
  return [...root.childNodes];
}

export function more(desk: Desk, { h, button, link, createField, createForm, conversation, newRequest, complaint, say: own }: Kit) {
  const say = (key: keyof typeof words) => words[key][columns.indexOf(desk.lang)] ?? words[key][0];
  const { memory } = desk;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);

  function reading({ id, title }: Article): HTMLElement {
    const body = h('div', { className: 'article' });
    desk.call<Article>('kb_article', { article_id: id }).then(
      ({ html, lang }) => {
        body.lang = lang;
        body.replaceChildren(...rich({ h, link }, html, desk.base));
      },
      (error: unknown) => { body.textContent = complaint(error); },
    );
    setTimeout(() => { // in its place by then
      const { adoptedStyleSheets: sheets } = body.getRootNode() as ShadowRoot;
      if (!sheets.includes(sheet)) sheets.push(sheet);
    });
    const back = () => desk.show(newRequest(desk));
    return h('div', { className: 'screen' }, button('quiet', `← ${say('back')}`, back), h('h3', {}, title), body, button('quiet', say('noHelp'), back));
  }

  return {
    /** The search that comes before a new request. */
    answers(): HTMLElement {
      const list = h('ul', { className: 'list', 'aria-live': 'polite' });
      let typing = 0;
      async function look() {
        const asked = input.value.trim();
        memory.saveDraft('kb', asked);
        const found = asked.length > 2 ? await desk.call<Article[]>('kb_search', { search: asked, limit: 4 }).catch(() => []) : [];
        if (asked !== input.value.trim()) return; // the visitor has typed on
        list.replaceChildren(...found.map((article) => h('li', {}, button('row', article.title, () => desk.show(reading(article))))));
      }
      const input = h('input', {
        type: 'search', value: memory.draft('kb'), placeholder: say('search'), 'aria-label': say('search'), 'data-testid': 'kb',
        oninput() {
          clearTimeout(typing);
          typing = window.setTimeout(() => void look(), 250);
        },
      });
      if (input.value) void look();
      return h('div', { className: 'list', role: 'search' }, input, list);
    },

    /** The way to a request by its number and address, unless the desk is strict. */
    lookup(): HTMLElement {
      if (desk.config.access === 'strict') return h('p', {}, say('strict'));
      const number = createField(desk, 'ticket_id', say('number'), { inputMode: 'numeric' });
      const email = createField(desk, 'email', own('email'), { type: 'email', autocomplete: 'email' });
      return createForm([number, email], [], say('find'), async () => {
        const asked = { ticket_id: number.input.value.replace(/\D/g, ''), email: email.input.value.trim() };
        const { ticket_id: id, status, subject } = await desk.call<Conversation>('check_status', asked);
        const known = memory.all().find((x) => x.id === id) ?? { id, email: asked.email, subject, status, seen: 0, unread: 0 };
        memory.keep(known);
        desk.show(conversation(desk, known));
      });
    },
  };
}
export type More = ReturnType<typeof more>;
