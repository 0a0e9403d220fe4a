/** The form of an e-mail channel, flat, and the config it stands for. */
import type { EmailConfig, Security } from '../../lib/types';

export type Provider = EmailConfig['inbound']['provider'];
export interface EmailValues {
  name: string; address: string; from_name: string; signature: string;
  sends: boolean; smtp_host: string; smtp_port: number | null; smtp_security: Security; smtp_username: string; smtp_password: string;
  provider: Provider; signing_key: string; secret: string;
  imap_host: string; imap_port: number | null; imap_security: Security; imap_username: string; imap_password: string; imap_folder: string;
}
/** What a kept secret reads as; sent back unchanged it stays as it is. */
export const kept = '••••';
export const ports: Readonly<Record<'smtp' | 'imap', Readonly<Record<Security, number>>>> = { smtp: { none: 25, starttls: 587, tls: 465 }, imap: { none: 143, starttls: 143, tls: 993 } };

export const noChannel: Readonly<EmailValues> = {
  name: '', address: '', from_name: '', signature: '', sends: true,
  smtp_host: '', smtp_port: 587, smtp_security: 'starttls', smtp_username: '', smtp_password: '',
  provider: 'smtp', signing_key: '', secret: '',
  imap_host: '', imap_port: 993, imap_security: 'tls', imap_username: '', imap_password: '', imap_folder: 'INBOX',
};

export function valuesOf(name: string, config: EmailConfig): EmailValues {
  const { smtp, inbound } = config;
  return {
    ...noChannel, name, address: config.address, from_name: config.from_name, signature: config.signature ?? '', sends: smtp !== undefined && smtp !== null,
    ...(smtp ? { smtp_host: smtp.host, smtp_port: smtp.port, smtp_security: smtp.security, smtp_username: smtp.username ?? '', smtp_password: smtp.password ?? '' } : {}),
    provider: inbound.provider,
    ...(inbound.provider === 'mailgun' ? { signing_key: inbound.signing_key } : {}),
    ...(inbound.provider === 'sendgrid' ? { secret: inbound.secret } : {}),
    ...(inbound.provider === 'imap' ? { imap_host: inbound.host, imap_port: inbound.port, imap_security: inbound.security, imap_username: inbound.username, imap_password: inbound.password, imap_folder: inbound.folder } : {}),
  };
}

function inboundOf(v: EmailValues): EmailConfig['inbound'] {
  if (v.provider === 'mailgun') return { provider: 'mailgun', signing_key: v.signing_key };
  if (v.provider === 'sendgrid') return { provider: 'sendgrid', secret: v.secret };
  if (v.provider === 'imap') return { provider: 'imap', host: v.imap_host.trim(), port: v.imap_port ?? ports.imap[v.imap_security], security: v.imap_security, username: v.imap_username, password: v.imap_password, folder: v.imap_folder.trim() || 'INBOX' };
  return { provider: 'smtp' };
}

export function configOf(v: EmailValues): EmailConfig {
  return {
    address: v.address.trim(), from_name: v.from_name.trim(), inbound: inboundOf(v),
    ...(v.signature.trim() ? { signature: v.signature } : {}),
    ...(v.sends ? { smtp: { host: v.smtp_host.trim(), port: v.smtp_port ?? ports.smtp[v.smtp_security], security: v.smtp_security, ...(v.smtp_username ? { username: v.smtp_username, password: v.smtp_password } : {}) } } : {}),
  };
}

/** The fields that must not be empty for these choices. */
export function required(v: EmailValues): Record<string, string> {
  const { name, address, from_name, smtp_host, signing_key, secret, imap_host, imap_username, imap_password } = v;
  return {
    name, address, from_name,
    ...(v.sends ? { smtp_host } : {}),
    ...(v.provider === 'mailgun' ? { signing_key } : {}),
    ...(v.provider === 'sendgrid' ? { secret } : {}),
    ...(v.provider === 'imap' ? { imap_host, imap_username, imap_password } : {}),
  };
}

/** Where the server's name of a faulty parameter stands in the form. */
export function fieldOf(parameter: string): string {
  const path = parameter.replace(/^config\./, '');
  if (path.startsWith('smtp.')) return `smtp_${path.slice(5)}`;
  const inbound = /^inbound\.(.+)$/.exec(path)?.[1];
  if (!inbound) return path;
  return inbound === 'signing_key' || inbound === 'secret' || inbound === 'provider' ? inbound : `imap_${inbound}`;
}
