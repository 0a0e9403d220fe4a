/** The forms of the messengers, flat, and the config that each stands for. */
import type { ChannelConfig, ChannelType, MaxConfig, TelegramConfig, WhatsappConfig } from '../../lib/types';

export type Messenger = Exclude<ChannelType, 'email'>;
export type Mode = NonNullable<TelegramConfig['mode']>;
export const modes: readonly Mode[] = ['webhook', 'polling'];
export interface MessengerValues { name: string; token: string; mode: Mode; welcome: string; api_base: string; base_url: string; instance: string; groups: boolean }

/** What the config calls the token. */
export const tokenField = { telegram: 'bot_token', whatsapp: 'api_key', max: 'token' } as const satisfies Record<Messenger, string>;

/** A new channel. Where the desk is not reached by https, a provider cannot post to it, so it is asked instead. */
export const noMessenger = (name: string, secure: boolean): MessengerValues => ({
  name, token: '', mode: secure ? 'webhook' : 'polling', welcome: '', api_base: '', base_url: '', instance: '', groups: false,
});

export function valuesOf(kind: Messenger, name: string, config: ChannelConfig): MessengerValues {
  const none = noMessenger(name, true);
  if (kind === 'whatsapp') {
    const { base_url, instance, api_key, groups } = config as WhatsappConfig;
    return { ...none, base_url, instance, token: api_key ?? '', groups: groups ?? false };
  }
  const { mode, welcome, api_base } = config as TelegramConfig & MaxConfig;
  const token = (config as Readonly<Record<string, unknown>>)[tokenField[kind]];
  return { ...none, token: typeof token === 'string' ? token : '', mode: mode ?? 'webhook', welcome: welcome ?? '', api_base: api_base ?? '' };
}

export function configOf(kind: Messenger, v: MessengerValues): ChannelConfig {
  if (kind === 'whatsapp') return { base_url: v.base_url.trim(), instance: v.instance.trim(), api_key: v.token.trim(), groups: v.groups };
  // What is left out would stay as it was.
  const rest = { mode: v.mode, welcome: v.welcome.trim(), api_base: v.api_base.trim() };
  return kind === 'telegram' ? { bot_token: v.token.trim(), ...rest } : { token: v.token.trim(), ...rest };
}

/** The fields that must not be empty. */
export const required = (kind: Messenger, { name, token, base_url, instance }: MessengerValues): Record<string, string> =>
  kind === 'whatsapp' ? { name, base_url, instance, token } : { name, token };

/** Where the server's name of a faulty parameter stands in the form. */
export const fieldOf = (kind: Messenger, parameter: string): string => {
  const field = parameter.replace(/^config\./, '');
  return field === tokenField[kind] ? 'token' : field;
};
