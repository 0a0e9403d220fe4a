/** The form of an e-mail channel, flat, and the config it stands for. */
import type { EmailConfig, Security } from '../../lib/types';

export type Provider = EmailConfig['inbound']['provider'];
export const providers: readonly Provider[] = ['smtp', 'mailgun'];
export interface EmailValues {
  name: string; address: string; from_name: string; signature: string; provider: Provider; signing_key: string;
  host: string; port: number | null; security: Security; username: string; password: string;
}
/** What a kept secret reads as; sent back unchanged it stays as it is. */
export const kept = '••••';
export const ports: Readonly<Record<Security, number>> = { none: 25, starttls: 587, tls: 465 };

export const noChannel: Readonly<EmailValues> = {
  name: '', address: '', from_name: '', signature: '', provider: 'smtp', signing_key: '', host: '', port: ports.starttls, security: 'starttls', username: '', password: '',
};

export function valuesOf(name: string, { address, from_name, signature, smtp, inbound }: EmailConfig): EmailValues {
  return {
    name, address, from_name: from_name ?? '', signature: signature ?? '',
    provider: inbound.provider, signing_key: inbound.provider === 'mailgun' ? (inbound.signing_key ?? '') : '',
    host: smtp.host, port: smtp.port, security: smtp.security, username: smtp.username ?? '', password: smtp.password ?? '',
  };
}

export function configOf(v: EmailValues): EmailConfig {
  return {
    address: v.address.trim(), from_name: v.from_name.trim(),
    inbound: v.provider === 'mailgun' ? { provider: 'mailgun', signing_key: v.signing_key } : { provider: 'smtp' },
    ...(v.signature.trim() ? { signature: v.signature } : {}),
    smtp: { host: v.host.trim(), port: v.port ?? ports[v.security], security: v.security, ...(v.username ? { username: v.username, password: v.password } : {}) },
  };
}

/** The fields that must not be empty for these choices. */
export function required({ name, address, from_name, host, provider, signing_key }: EmailValues): Record<string, string> {
  return { name, address, from_name, host, ...(provider === 'mailgun' ? { signing_key } : {}) };
}

/** Where the server's name of a faulty parameter stands in the form. */
export const fieldOf = (parameter: string): string => parameter.replace(/^(config\.)?(smtp\.|inbound\.)?/, '');
