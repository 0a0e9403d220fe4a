/** Every word of the widget in its three languages; one tuple a text keeps the file small after gzip. */
export const languages = ['ru', 'kk', 'en'] as const;
export type Language = (typeof languages)[number];

export const texts = {
  open: ['Написать в поддержку', 'Қолдау қызметіне жазу', 'Contact support'],
  close: ['Закрыть', 'Жабу', 'Close'],
  title: ['Поддержка', 'Қолдау қызметі', 'Support'],
  write: ['Написать', 'Жазу', 'New request'],
  mine: ['Мои заявки', 'Өтінімдерім', 'My requests'],
  away: ['Ответим в рабочее время', 'Жұмыс уақытында жауап береміз', 'We reply in working hours'],
  name: ['Ваше имя', 'Атыңыз', 'Your name'],
  email: ['Эл. почта', 'Эл. пошта', 'E-mail'],
  phone: ['Телефон', 'Телефон', 'Phone'],
  subject: ['Тема', 'Тақырып', 'Subject'],
  optional: ['необязательно', 'міндетті емес', 'optional'],
  text: ['Чем вам помочь?', 'Сізге қалай көмектесейік?', 'How can we help?'],
  attach: ['Прикрепить файл', 'Файл тіркеу', 'Attach a file'],
  send: ['Отправить', 'Жіберу', 'Send'],
  sending: ['Отправляем…', 'Жіберілуде…', 'Sending…'],
  retry: ['Повторить', 'Қайталау', 'Retry'],
  hint: ['Номер {}. Ответ придёт сюда.', 'Нөмірі {}. Жауап осында келеді.', 'Number {}. The reply comes here.'],
  check: ['Проверьте это поле', 'Осы өрісті тексеріңіз', 'Check this field'],
  noLink: ['Нет связи. Проверьте интернет и повторите.', 'Байланыс жоқ. Интернетті тексеріп, қайталаңыз.', 'No connection. Check it and try again.'],
  lookup: ['Найти заявку по номеру', 'Өтінімді нөмірі бойынша табу', 'Find a request by number'],
  reply: ['Ваше сообщение', 'Хабарламаңыз', 'Your message'],
  you: ['Вы', 'Сіз', 'You'],
  unread: ['новых ответов: {}', 'жаңа жауаптар: {}', 'new replies: {}'],
  status_new: ['Принята', 'Қабылданды', 'Received'],
  status_estimated: ['Ждёт вашего согласования', 'Келісіміңізді күтуде', 'Waiting for your approval'],
  status_in_progress: ['В работе', 'Жұмыста', 'In progress'],
  status_on_hold: ['На паузе', 'Кідіртілді', 'On hold'],
  status_done: ['Выполнена', 'Орындалды', 'Done'],
  status_closed: ['Закрыта', 'Жабылды', 'Closed'],
  status_reopened: ['Снова в работе', 'Қайта жұмыста', 'Reopened'],
} as const satisfies Record<string, readonly [string, string, string]>;

export type Text = keyof typeof texts;

/** The language of the tag, else of the page, else Russian. */
export function pickLanguage(...wanted: (string | undefined)[]): Language {
  const known = wanted.map((x) => languages.find((l) => x?.toLowerCase().startsWith(l)));
  return known.find(Boolean) ?? 'ru';
}

let column = 0;
/** Chooses the language of `say`; a page holds one widget. */
export function speak(language: Language): void {
  column = languages.indexOf(language);
}
export const say = (key: Text, value: string | number = ''): string => (texts[key][column] ?? '').replace('{}', `${value}`);

/** A status in words; one this widget has not heard of is shown as it came. */
export function sayStatus(status: string): string {
  const key = `status_${status}`;
  return key in texts ? say(key as Text) : status;
}
