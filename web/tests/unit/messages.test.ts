import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

type Entry = string | Record<string, string>;
const locales = ['ru', 'kk', 'en'] as const;
const namespaces = [...new Set(readdirSync('messages').map((file) => file.split('.')[0] ?? ''))];
const read = (namespace: string, locale: string) => JSON.parse(readFileSync(`messages/${namespace}.${locale}.json`, 'utf8')) as Record<string, Entry>;
const forms = (entry: Entry) => (typeof entry === 'string' ? [entry] : Object.values(entry));
const holes = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort();

it('has shared texts and texts of the operator app', () => expect(namespaces).toEqual(expect.arrayContaining(['common', 'tenant'])));

describe.each(namespaces)('texts of %s', (namespace) => {
  const russian = read(namespace, 'ru');
  describe.each(locales)('in %s', (locale) => {
    const mine = read(namespace, locale);
    it('has the keys of the Russian texts', () => expect(Object.keys(mine).sort()).toEqual(Object.keys(russian).sort()));
    it('has the same placeholders in every text', () => {
      for (const [key, entry] of Object.entries(russian)) {
        const expected = [...new Set(forms(entry).flatMap(holes))].sort();
        expect([key, [...new Set(forms(mine[key] ?? '').flatMap(holes))].sort()]).toEqual([key, expected]);
      }
    });
    it('has every plural form its language needs, and no empty text', () => {
      const needed = [...new Intl.PluralRules(locale).resolvedOptions().pluralCategories].sort();
      for (const [key, entry] of Object.entries(mine)) {
        if (typeof entry === 'object') expect([key, Object.keys(entry).sort()]).toEqual([key, needed]);
        for (const text of forms(entry)) expect(text.trim(), key).not.toBe('');
      }
    });
    it('is plural where the Russian text is', () => {
      for (const [key, entry] of Object.entries(russian)) expect([key, typeof mine[key]]).toEqual([key, typeof entry]);
    });
  });
});

it('no key of a page hides a shared one', () => {
  const shared = Object.keys(read('common', 'ru'));
  for (const namespace of namespaces.filter((name) => name !== 'common')) {
    expect(Object.keys(read(namespace, 'ru')).filter((key) => shared.includes(key)), namespace).toEqual([]);
  }
});
