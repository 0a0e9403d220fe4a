/**
 * What is not needed at first, in a file of its own that is fetched when it is: answers from the knowledge base, the way to a
 * request that was made elsewhere, and how the words of a message look. The loader hands over its own parts, so that none is carried twice.
 */
import { pieces } from '../lib/marks';
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
  code: ['Код из письма', 'Хаттағы код', 'Code from the e-mail'],
  sendCode: ['Прислать код', 'Код жіберу', 'E-mail me a code'],
  codeSent: ['Если номер и адрес верны, код уже в пути.', 'Нөмір мен мекенжай дұрыс болса, код жолда.', 'If the number and the address are right, the code is on its way.'],
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

const looks = { bold: ['b', {}], italic: ['i', { fontStyle: 'italic' }], code: ['code', { fontFamily: 'monospace' }] } as const;

/** The words of a message: addresses are links; what the desk has `marked` is shown as meant. */
export function spoken({ h, link }: Pick<Kit, 'h' | 'link'>, text: string, marked: boolean): (Node | string)[] {
  return pieces(marked ? text.replace(/^[-*] /gm, '• ') : text, marked).map((piece) => {
    if (piece.href) return link(piece.href, piece.text);
    if (!piece.as) return piece.text;
    const [tag, style] = looks[piece.as];
    const node = h(tag, {}, piece.text);
    Object.assign(node.style, style);
    return node;
  });
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
    words: (text: string, marked: boolean) => spoken({ h, link }, text, marked),

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

    /** The way to a request by its number and address; a strict desk mails a code as well. */
    lookup(): HTMLElement {
      const number = createField(desk, 'ticket_id', say('number'), { inputMode: 'numeric' });
      const email = createField(desk, 'email', own('email'), { type: 'email', autocomplete: 'email' });
      const asked = () => ({ ticket_id: number.input.value.replace(/\D/g, ''), email: email.input.value.trim() });
      function open({ ticket_id: id, status, subject }: Conversation, token?: string) {
        const known = memory.all().find((x) => x.id === id) ?? { id, email: asked().email, subject, status, seen: 0, unread: 0 };
        if (token) known.token = token;
        memory.keep(known);
        desk.show(conversation(desk, known));
      }
      if (desk.config.access !== 'strict') return createForm([number, email], [], say('find'), async () => open(await desk.call<Conversation>('check_status', asked())));
      const form: HTMLElement = createForm([number, email], [], say('sendCode'), async () => {
        await desk.call('request_code', asked());
        memory.saveDraft('code', ''); // one of an earlier mail is worth nothing
        const code = createField(desk, 'code', say('code'), { inputMode: 'numeric', autocomplete: 'one-time-code' });
        const second = createForm([code], [], say('find'), async () => {
          const proven = await desk.call<Conversation & { ticket_token: string }>('confirm_code', { ...asked(), code: code.input.value.trim() });
          open(proven, proven.ticket_token);
        });
        form.replaceWith(h('div', { className: 'list' }, h('p', { role: 'status' }, say('codeSent')), second));
        code.input.focus();
      });
      return form;
    },
  };
}
export type More = ReturnType<typeof more>;
