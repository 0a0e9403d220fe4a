/** What every screen of the panel is given. */
import type { Memory } from './memory';
import type { More } from './more';
import type { Call, Config } from './wire';

export interface Desk {
  readonly base: URL;
  readonly lang: string;
  readonly call: Call;
  readonly memory: Memory;
  /** The desk's greeting, shown above a new request once it is known. */
  readonly welcome: HTMLElement;
  /** What the desk says of itself; nothing until it has answered. */
  config: Config;
  /** When it has answered, or could not. */
  known: Promise<unknown>;
  /** What is not in the loader itself. */
  more(): Promise<More>;
  /** Whether the visitor can see the panel now: open, in a visible tab. */
  watched(): boolean;
  /** Puts a screen in place of the one before. */
  show(screen: HTMLElement): void;
  /** Tells the launcher that the number of unread replies may differ. */
  changed(): void;
}

/** Browsers without Kazakh names of months write «M11»: the months are numbers there, as the Russian format has them. */
export const when = ({ lang }: Desk, at: string): string => new Date(at).toLocaleString(lang === 'en' ? 'en-GB' : 'ru', { day: 'numeric', month: lang === 'kk' ? '2-digit' : 'short', hour: '2-digit', minute: '2-digit' });
