/** What a browser calls itself, in the words people know: «Chrome, Windows». A program that is no browser keeps its own name. */
const browsers: readonly (readonly [RegExp, string])[] = [
  [/YaBrowser\//, 'Yandex Browser'], [/OPR\/|Opera/, 'Opera'], [/SamsungBrowser\//, 'Samsung Internet'], [/Edg(?:e|A|iOS)?\//, 'Edge'],
  [/Firefox\/|FxiOS\//, 'Firefox'], [/CriOS\/|Chrome\//, 'Chrome'], [/Version\/.*Safari\//, 'Safari'],
];
const systems: readonly (readonly [RegExp, string])[] = [
  [/iPhone/, 'iPhone'], [/iPad/, 'iPad'], [/Android/, 'Android'], [/Windows/, 'Windows'], [/Mac OS X|Macintosh/, 'macOS'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux'],
];
const named = (list: typeof browsers, text: string) => list.find(([sign]) => sign.test(text))?.[1];

export function browserName(agent: string): string {
  const found = [named(browsers, agent), named(systems, agent)].filter(Boolean).join(', ');
  return found || agent.split(/[/\s(]/)[0] || '';
}
