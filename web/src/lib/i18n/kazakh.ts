/** What browsers do not know of Kazakh besides what is in written.ts: units, relative days, plurals. Numbers are written as in Russian. */
const units: Readonly<Record<string, readonly [brief: string, full: string]>> = {
  second: ['сек', 'секунд'], minute: ['мин', 'минут'], hour: ['сағ', 'сағат'], day: ['күн', 'күн'], byte: ['Б', 'байт'], kilobyte: ['кБ', 'килобайт'], megabyte: ['МБ', 'мегабайт'], gigabyte: ['ГБ', 'гигабайт'],
};
export function kazakhUnit(value: string, unit: string, display: string | undefined): string {
  const [brief, full] = units[unit] ?? [unit, unit];
  return `${value} ${display === 'long' ? full : brief}`;
}

export const kazakhDay = (back: number): string => (back === 0 ? 'бүгін' : 'кеше');
export const kazakhPlural = { select: (n: number): Intl.LDMLPluralRule => (n === 1 ? 'one' : 'other') };
