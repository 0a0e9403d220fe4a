/** The form of an e-mail channel, flat, and the config it stands for. */
import type { EmailConfig, Security } from '../../lib/types';

type Inbound = EmailConfig['inbound'];
export type Provider = Inbound['provider'];
export const providers: readonly Provider[] = ['smtp', 'imap', 'mailgun', 'sendgrid'];
export interface EmailValues {
  name: string; address: string; from_name: string; signature: string; acknowledge: boolean; provider: Provider; signing_key: string; secret: string;
  host: string; port: number | null; security: Security; username: string; password: string; ca: string;
  in_host: string; in_port: number | null; in_security: Security; in_username: string; in_password: string; in_folder: string; in_ca: string;
}
/** What a kept secret reads as; sent back unchanged it stays as it is. */
export const kept = '••••';
export const securities: readonly Security[] = ['starttls', 'tls', 'none'];
export const ports: Readonly<Record<Security, number>> = { none: 25, starttls: 587, tls: 465 };
export const mailboxPorts: Readonly<Record<Security, number>> = { none: 143, starttls: 143, tls: 993 };

export const noChannel: Readonly<EmailValues> = {
  name: '', address: '', from_name: '', signature: '', acknowledge: false, provider: 'smtp', signing_key: '', secret: '',
  host: '', port: ports.starttls, security: 'starttls', username: '', password: '', ca: '',
  in_host: '', in_port: mailboxPorts.tls, in_security: 'tls', in_username: '', in_password: '', in_folder: 'INBOX', in_ca: '',
};

/** A secret that nobody guesses and that stands in an address as it is. */
export const newSecret = (): string => Array.from(crypto.getRandomValues(new Uint8Array(20)), (x) => x.toString(16).padStart(2, '0')).join('');

/** Where SendGrid is to post once a secret that was typed is saved: it signs nothing, so the address bears the secret. */
export const hookWith = (url: string, secret: string): string => (secret === kept ? url : `${url.replace(/&secret=.*/, '')}&secret=${encodeURIComponent(secret)}`);

function inboundValues(inbound: Inbound): Partial<EmailValues> {
  const { provider } = inbound;
  switch (inbound.provider) {
    case 'mailgun': return { provider, signing_key: inbound.signing_key ?? '' };
    case 'sendgrid': return { provider, secret: inbound.secret ?? '' };
    case 'imap': return {
      provider, in_host: inbound.host, in_port: inbound.port, in_security: inbound.security, in_username: inbound.username,
      in_password: inbound.password ?? '', in_folder: inbound.folder ?? noChannel.in_folder, in_ca: inbound.ca ?? '',
    };
    case 'smtp': return { provider };
  }
}

export function valuesOf(name: string, { address, from_name, signature, acknowledge, smtp, inbound }: EmailConfig): EmailValues {
  return {
    ...noChannel, name, address, from_name: from_name ?? '', signature: signature ?? '', acknowledge: Boolean(acknowledge), ...inboundValues(inbound),
    host: smtp.host, port: smtp.port, security: smtp.security, username: smtp.username ?? '', password: smtp.password ?? '', ca: smtp.ca ?? '',
  };
}

/** Certificates matter where there is encryption. What is left out would stay as it was. */
const trusting = (security: Security, ca: string) => ({ ca: security === 'none' ? '' : ca.trim() });

function inboundOf(v: EmailValues): Inbound {
  switch (v.provider) {
    case 'mailgun': return { provider: 'mailgun', signing_key: v.signing_key };
    case 'sendgrid': return { provider: 'sendgrid', secret: v.secret.trim() };
    case 'imap': return {
      provider: 'imap', host: v.in_host.trim(), port: v.in_port ?? mailboxPorts[v.in_security], security: v.in_security,
      username: v.in_username.trim(), password: v.in_password, folder: v.in_folder.trim(), ...trusting(v.in_security, v.in_ca),
    };
    case 'smtp': return { provider: 'smtp' };
  }
}

export function configOf(v: EmailValues): EmailConfig {
  return {
    address: v.address.trim(), from_name: v.from_name.trim(),
    inbound: inboundOf(v), acknowledge: v.acknowledge,
    signature: v.signature.trim() ? v.signature : '',
    smtp: { host: v.host.trim(), port: v.port ?? ports[v.security], security: v.security, username: v.username, password: v.username ? v.password : '', ...trusting(v.security, v.ca) },
  };
}

/** The fields that must not be empty for these choices. */
export function required({ name, address, from_name, host, provider, signing_key, secret, in_host, in_username, in_password }: EmailValues): Record<string, string> {
  const proof: Record<Provider, Record<string, string>> = { smtp: {}, mailgun: { signing_key }, sendgrid: { secret }, imap: { in_host, in_username, in_password } };
  return { name, address, from_name, host, ...proof[provider] };
}

/** Where the server's name of a faulty parameter stands in the form. */
export const fieldOf = (parameter: string): string => parameter
  .replace(/^config\.inbound\.(host|port|security|username|password|folder|ca)$/, 'in_$1')
  .replace(/^(config\.)?(smtp\.|inbound\.)?/, '');
