import { afterEach, describe, expect, it, vi } from 'vitest';
import { ariaKeys, keyCaps, setSingleKeys, shortcuts, type Bindings } from '../../src/lib/keys';

function press(bindings: Bindings, keys: KeyboardEventInit[], target: EventTarget = document.body): void {
  const listener = shortcuts(() => bindings);
  window.addEventListener('keydown', listener);
  for (const key of keys) target.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...key }));
  window.removeEventListener('keydown', listener);
}
afterEach(() => { setSingleKeys(true); document.body.replaceChildren(); });

describe('shortcuts', () => {
  it('fire by the physical key on a Russian layout', () => {
    const run = vi.fn();
    press({ KeyJ: run }, [{ key: 'о', code: 'KeyJ' }]);
    expect(run).toHaveBeenCalledOnce();
  });
  it('stay quiet while somebody types, except for chords with Ctrl', () => {
    const [letter, send] = [vi.fn(), vi.fn()];
    const area = document.body.appendChild(document.createElement('textarea'));
    press({ KeyJ: letter, 'Mod+Enter': send }, [{ code: 'KeyJ' }, { code: 'Enter', ctrlKey: true }], area);
    expect([letter.mock.calls.length, send.mock.calls.length]).toEqual([0, 1]);
  });
  it('stay quiet while a dialog is open', () => {
    const run = vi.fn();
    document.body.innerHTML = '<div role="dialog"></div>';
    press({ KeyJ: run }, [{ code: 'KeyJ' }]);
    expect(run).not.toHaveBeenCalled();
  });
  it('follow a sequence, and give it up after another key', () => {
    const [queue, alone] = [vi.fn(), vi.fn()];
    press({ 'KeyG KeyQ': queue, KeyQ: alone }, [{ code: 'KeyG' }, { code: 'KeyQ' }, { code: 'KeyG' }, { code: 'KeyX' }, { code: 'KeyQ' }]);
    expect([queue.mock.calls.length, alone.mock.calls.length]).toEqual([1, 1]);
  });
  it('of a single key can be switched off', () => {
    const [letter, palette] = [vi.fn(), vi.fn()];
    setSingleKeys(false);
    press({ KeyJ: letter, 'Mod+KeyK': palette }, [{ code: 'KeyJ' }, { code: 'KeyK', ctrlKey: true }]);
    expect([letter.mock.calls.length, palette.mock.calls.length]).toEqual([0, 1]);
  });
});

it('names the keys for people and for assistive technology', () => {
  expect(keyCaps('Mod+Shift+Enter')).toEqual(['Ctrl', 'Shift', 'Enter']);
  expect(keyCaps('Shift+Slash')).toEqual(['?']);
  expect(keyCaps('KeyG KeyQ')).toEqual(['G', 'Q']);
  expect(ariaKeys('Mod+KeyK')).toBe('Control+K');
  expect(ariaKeys('KeyG KeyQ')).toBeUndefined();
});
