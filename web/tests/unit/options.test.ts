import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { start } from '../../src/lib/i18n/index.svelte';
import { gather, match } from '../../src/lib/ui/options';
import Options from '../../src/lib/ui/Options.svelte';

beforeAll(async () => { document.documentElement.lang = 'ru'; await start('tenant'); });
const option = (label: string, words = '') => ({ value: label, label, words });

describe('match', () => {
  const found = (query: string, ...labels: string[]) => match(labels.map((x) => option(x)), query).map((x) => x.label);
  it('puts word beginnings before the middles of words', () => expect(found('он', 'Телефон', 'Ольга Онегина', 'Онлайн')).toEqual(['Онлайн', 'Ольга Онегина', 'Телефон']));
  it('wants every word, in any order and case, ё being е', () => expect(found('РЕШЕ зв', 'Решённые звонки', 'Звонки решены', 'Решённые')).toEqual(['Звонки решены', 'Решённые звонки']));
  it('takes signs as they are', () => expect(match([option('Открыть заявку 42', '#42'), option('Закрыть')], '#42').map((x) => x.label)).toEqual(['Открыть заявку 42']));
  it('finds by the further words too', () => expect(match([option('Приветствие', 'hello'), option('Прощание', 'bye')], 'hel').map((x) => x.label)).toEqual(['Приветствие']));
});

describe('Options', () => {
  it('filters while the field keeps the focus, and picks by Enter', async () => {
    const onpick = vi.fn();
    render(Options, { options: ['Айгүл', 'Данияр', 'Ольга'].map((x) => option(x)), label: 'Исполнитель', placeholder: '—', onpick });
    const user = userEvent.setup();
    const field = screen.getByRole('combobox', { name: 'Исполнитель' });
    await user.type(field, 'дан');
    expect(screen.getAllByRole('option').map((x) => x.textContent?.trim())).toEqual(['Данияр']);
    await user.keyboard('{Enter}');
    expect(onpick).toHaveBeenCalledWith('Данияр');
    expect(document.activeElement).toBe(field);
  });
  it('starts at the chosen one and goes round by arrows', async () => {
    const onpick = vi.fn();
    render(Options, { options: ['a', 'b', 'c'].map((x) => option(x)), label: 'x', placeholder: '—', chosen: ['c'], onpick });
    const user = userEvent.setup();
    await user.click(screen.getByRole('combobox'));
    await user.keyboard('{ArrowDown}{Enter}{ArrowUp}{Enter}');
    expect(onpick.mock.calls).toEqual([['a'], ['c']]);
  });
  it('offers to create what is not there', async () => {
    const run = vi.fn();
    render(Options, { options: [option('VIP')], label: 'Метки', placeholder: '—', onpick: vi.fn(), create: { label: (name: string) => `+ ${name}`, run } });
    const user = userEvent.setup();
    const field = screen.getByRole('combobox');
    await user.type(field, 'vip');
    expect(screen.queryByText('+ vip')).toBeNull();
    await user.clear(field);
    await user.type(field, 'срочно{Enter}');
    expect(run).toHaveBeenCalledWith('срочно');
  });
  it('stand together by group, at the place of the group’s best', () => {
    const of = (value: string, group?: string) => ({ value, label: value, ...(group ? { group } : {}) });
    expect(gather([of('a', 'x'), of('b'), of('c', 'y'), of('d', 'x'), of('e')]).map((x) => x.value).join('')).toBe('adbec');
  });
});
