/**
 * What browsers do not know of Kazakh: the usual builds carry no month names, units or relative days for it and show «M11 22»
 * or fall back to another language. Numbers are written as in Russian.
 */
const months = ['қаңтар', 'ақпан', 'наурыз', 'сәуір', 'мамыр', 'маусым', 'шілде', 'тамыз', 'қыркүйек', 'қазан', 'қараша', 'желтоқсан'];
const briefMonths = ['қаң.', 'ақп.', 'нау.', 'сәу.', 'мам.', 'мау.', 'шіл.', 'там.', 'қыр.', 'қаз.', 'қар.', 'жел.'];
const units: Readonly<Record<string, readonly [brief: string, full: string]>> = {
  second: ['сек', 'секунд'], minute: ['мин', 'минут'], hour: ['сағ', 'сағат'], day: ['күн', 'күн'], byte: ['Б', 'байт'], kilobyte: ['кБ', 'килобайт'], megabyte: ['МБ', 'мегабайт'], gigabyte: ['ГБ', 'гигабайт'],
};
const two = (value: number) => String(value).padStart(2, '0');

/** The parts of a date that `style` asks for, in Kazakh order: «2026 ж. 22 қараша, 09:32». */
export function kazakhDate(date: Date, style: Intl.DateTimeFormatOptions): string {
  const clock = style.hour ? `${two(date.getHours())}:${two(date.getMinutes())}` : '';
  if (style.month === '2-digit') return `${two(date.getDate())}.${two(date.getMonth() + 1)}.${two(date.getFullYear() % 100)}`;
  const month = (style.month === 'short' ? briefMonths : months)[date.getMonth()] ?? '';
  const day = style.day ? `${style.year ? `${date.getFullYear()} ж. ` : ''}${date.getDate()} ${month}` : '';
  return [day, clock].filter(Boolean).join(', ');
}

export function kazakhUnit(value: string, unit: string, display: string | undefined): string {
  const [brief, full] = units[unit] ?? [unit, unit];
  return `${value} ${display === 'long' ? full : brief}`;
}

export const kazakhDay = (back: number): string => (back === 0 ? 'бүгін' : 'кеше');
export const kazakhPlural = { select: (n: number): Intl.LDMLPluralRule => (n === 1 ? 'one' : 'other') };
