/** What is open on the screen: panes, dialogs and pickers that buttons, keys and the palette all reach. */
export type PickerName = 'assign' | 'status' | 'priority' | 'category' | 'tags' | 'macro' | 'snooze';
export type DialogName = 'palette' | 'help' | 'new' | 'complete' | 'estimate' | 'rename' | 'time' | 'explain' | 'due' | 'force' | 'merge' | 'snooze' | 'view';

const stored = (key: string): string | null => { try { return localStorage.getItem(key); } catch { return null; } };
const store = (key: string, value: string): void => { try { localStorage.setItem(key, value); } catch { /* the choice lasts for this page */ } };
const wide = matchMedia('(min-width: 1440px)');

class Shown {
  readonly #get: () => boolean;
  readonly #set: (open: boolean) => void;
  constructor(get: () => boolean, set: (open: boolean) => void) {
    this.#get = get;
    this.#set = set;
  }
  get open(): boolean { return this.#get(); }
  set open(open: boolean) { this.#set(open); }
}

class Ui {
  dialog = $state<DialogName>();
  picker = $state<PickerName>();
  tab = $state<'chat' | 'history'>('chat');
  narrowNav = $state(stored('tp.nav') === 'narrow');
  /** At 1440 px and more the details are a pane; below, a drawer that is asked for. */
  wide = $state(wide.matches);
  #pane = $state(stored('tp.details') !== 'hidden');
  #drawer = $state(false);
  /** Set by the composer: puts the cursor into the reply or the note. */
  compose: (kind: 'reply' | 'note') => void = () => undefined;

  /** Set by the composer: shows what a macro would do to the ticket. */
  macro: ((id: number) => void) | undefined;

  /** Grows when a draft was changed from outside the composer, which then takes it up. */
  rewritten = $state(0);

  constructor() { wide.addEventListener('change', () => { this.wide = wide.matches; this.#drawer = false; }); }

  get details(): boolean { return this.wide ? this.#pane : this.#drawer; }
  set details(open: boolean) {
    if (this.wide) {
      this.#pane = open;
      store('tp.details', open ? 'shown' : 'hidden');
    } else this.#drawer = open;
  }

  toggleNav(): void {
    this.narrowNav = !this.narrowNav;
    store('tp.nav', this.narrowNav ? 'narrow' : 'wide');
  }

  /** Whether one dialog is open, to bind to. */
  shows(name: DialogName): Shown {
    return new Shown(() => this.dialog === name, (open) => { if (open) this.dialog = name; else if (this.dialog === name) this.dialog = undefined; });
  }

  picks(name: PickerName): Shown {
    return new Shown(() => this.picker === name, (open) => { if (open) this.picker = name; else if (this.picker === name) this.picker = undefined; });
  }
}

export const ui = new Ui();
