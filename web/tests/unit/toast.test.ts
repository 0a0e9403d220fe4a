import { beforeEach, expect, it, vi } from 'vitest';
import { toast, toasts } from '../../src/lib/toast.svelte';

beforeEach(() => { vi.useFakeTimers(); toasts.length = 0; });

it('a notice that is given again takes the place of the former one and stays its full time', () => {
  toast('Сохранено');
  vi.advanceTimersByTime(4_000);
  toast('Другое');
  toast('Сохранено');
  expect(toasts.map((x) => x.text)).toEqual(['Другое', 'Сохранено']);
  vi.advanceTimersByTime(4_000);
  expect(toasts.map((x) => x.text)).toEqual(['Другое', 'Сохранено']);
  vi.advanceTimersByTime(1_000);
  expect(toasts).toEqual([]);
});

it('notices of which each can be undone stand beside each other', () => {
  const action = { label: 'Отменить', run: () => undefined };
  toast('Заявка закрыта', { action });
  toast('Заявка закрыта', { action });
  expect(toasts).toHaveLength(2);
});
