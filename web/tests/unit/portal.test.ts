import { beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '../../src/lib/api';
import { Attempts } from '../../src/portal/attempts';
import { listing } from '../../src/portal/first';
import { addressOf } from '../../src/portal/listing';
import { concerns, eventReader } from '../../src/portal/live';
import { fold, pieces } from '../../src/portal/quote';
import { canAccept, canReopen, toneOf } from '../../src/portal/states';
import { currentToken, findToken, forgetToken, keepToken, tokenIn } from '../../src/portal/token';

describe('the client token', () => {
  beforeEach(() => {
    forgetToken(false);
    history.replaceState(null, '', '/index.html');
  });
  it('is found in a link, in the middle of a sentence and by itself', () => {
    expect(tokenIn('https://desk.kz/index.html?ctoken=ct_eyJ0-_.Zm9v#/ticket/4')).toBe('ct_eyJ0-_.Zm9v');
    expect(tokenIn('Ваша ссылка: https://desk.kz/?lang=ru&ctoken=ct_a.b')).toBe('ct_a.b');
    expect(tokenIn('  ct_a.b  ')).toBe('ct_a.b');
  });
  it('is not found where there is none', () => {
    for (const text of ['', 'https://desk.kz/', 'ctoken=', 'direct_a.b', 'ctoken=tps_key']) expect(tokenIn(text)).toBe('');
  });
  it('leaves the address at once and the rest of it stays', () => {
    history.replaceState(null, '', '/index.html?lang=kk&ctoken=ct_a.b#/ticket/4');
    expect(findToken(false)).toBe('ct_a.b');
    expect(location.search + location.hash).toBe('?lang=kk#/ticket/4');
  });
  it('comes back on the next visit of the portal', () => {
    keepToken('ct_a.b', false);
    expect(localStorage.getItem('tp.ctoken')).toBe('ct_a.b');
  });
  it('of an embedded page stays in the tab', () => {
    keepToken('ct_a.b', true);
    expect(localStorage.getItem('tp.ctoken')).toBeNull();
    expect(sessionStorage.getItem('tp.ctoken')).toBe('ct_a.b');
    forgetToken(true);
    expect([currentToken(), sessionStorage.getItem('tp.ctoken')]).toEqual(['', null]);
  });
});

describe('the event stream', () => {
  const read = (...chunks: string[]) => {
    const got: string[] = [];
    const feed = eventReader((data) => got.push(data));
    for (const chunk of chunks) feed(chunk);
    return got;
  };
  it('puts an event together from pieces', () => expect(read('data: {"a"', ':1}\n', '\ndata: 2\n\n')).toEqual(['{"a":1}', '2']));
  it('skips comments and other fields', () => expect(read(': still here\n\nid: 4\nevent: x\ndata: 1\n\n')).toEqual(['1']));
  it('takes carriage returns and joins the lines of one event', () => expect(read('data: a\r\ndata: b\r\n\r\n')).toEqual(['a\nb']));
  it('counts an event of this ticket and a resync, nothing else', () => {
    expect(concerns('{"type":"event","ticket_id":4}', 4)).toBe(true);
    expect(concerns('{"type":"resync"}', 4)).toBe(true);
    expect(concerns('{"type":"event","ticket_id":5}', 4)).toBe(false);
    expect(concerns('not json', 4)).toBe(false);
  });
});

describe('the text of a message', () => {
  it('folds the quoted mail away', () => expect(fold('Спасибо\n\n> было', 9)).toEqual({ own: 'Спасибо', quoted: '> было' }));
  it('folds nothing without a quote, and never the whole message', () => {
    expect(fold('текст', null)).toEqual({ own: 'текст', quoted: '' });
    expect(fold('> всё', 0)).toEqual({ own: '> всё', quoted: '' });
    expect(fold('текст', 99)).toEqual({ own: 'текст', quoted: '' });
  });
  it('makes a link of an address without the full stop after it', () => {
    expect(pieces('См. https://a.kz/x?y=1. Да')).toEqual([{ text: 'См. ', href: undefined }, { text: 'https://a.kz/x?y=1', href: 'https://a.kz/x?y=1' }, { text: '. Да', href: undefined }]);
  });
  it('makes no link of another scheme', () => expect(pieces('javascript:alert(1)').some((piece) => piece.href)).toBe(false));
});

describe('attempts to create', () => {
  const file = new File(['x'], 'a.txt', { lastModified: 1 });
  it('bear one key while the content is the same', () => {
    const attempts = new Attempts();
    expect(attempts.keyFor({ a: 1 }, [file])).toBe(attempts.keyFor({ a: 1 }, [file]));
  });
  it('get another key with other words or files', () => {
    const attempts = new Attempts();
    const first = attempts.keyFor({ a: 1 }, []);
    const second = attempts.keyFor({ a: 2 }, []);
    expect(new Set([first, second, attempts.keyFor({ a: 2 }, [file])]).size).toBe(3);
  });
  it('keep the key when the call may have been lost, and drop it after a refusal', () => {
    const attempts = new Attempts();
    const first = attempts.keyFor({ a: 1 }, []);
    attempts.failed(new ApiError('', 'network', 0));
    expect(attempts.keyFor({ a: 1 }, [])).toBe(first);
    attempts.failed(new ApiError('no', 'invalid_parameter', 400));
    expect(attempts.keyFor({ a: 1 }, [])).not.toBe(first);
  });
});

it('a decision of the client is asked for exactly where the status waits for it', () => {
  expect(['new', 'estimated', 'in_progress', 'on_hold', 'done', 'closed', 'reopened'].filter((status) => toneOf(status as 'new') === 'asks')).toEqual(['estimated', 'done']);
  expect([canAccept('done'), canAccept('closed'), canReopen('done'), canReopen('closed'), canReopen('in_progress')]).toEqual([true, false, true, true, false]);
});

it('the address of a list names only what differs from the usual', () => {
  const usual = { show: 'active', words: '', page: 1 } as const;
  const other = { show: 'all', words: 'шина', page: 3 } as const;
  expect(addressOf(usual)).toBe('#/');
  expect(addressOf(other)).toBe('#/?show=all&q=%D1%88%D0%B8%D0%BD%D0%B0&page=3');
  expect([usual, other].map((wanted) => listing({ query: new URLSearchParams(addressOf(wanted).split('?')[1]) }))).toEqual([usual, other]);
  expect(listing({ query: new URLSearchParams('show=secret&page=-4') })).toEqual(usual);
});
