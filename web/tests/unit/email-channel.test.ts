import { describe, expect, it } from 'vitest';
import type { EmailConfig } from '../../src/lib/types';
import { configOf, fieldOf, hookWith, kept, newSecret, noChannel, required, valuesOf } from '../../src/tenant/settings/email';

const base = { address: 'help@demo.kz', from_name: 'Поддержка', acknowledge: false };

describe('the form of an e-mail channel', () => {
  it.each<[string, EmailConfig]>([
    ['the built-in listener', { ...base, acknowledge: true, signature: 'С уважением', smtp: { host: 'smtp.demo.kz', port: 465, security: 'tls', username: 'desk', password: kept }, inbound: { provider: 'smtp' } }],
    ['SendGrid', { ...base, smtp: { host: 'relay', port: 587, security: 'starttls', ca: '-----BEGIN CERTIFICATE-----' }, inbound: { provider: 'sendgrid', secret: kept } }],
    ['a mailbox', { ...base, smtp: { host: 'relay', port: 25, security: 'none' }, inbound: { provider: 'imap', host: 'imap.demo.kz', port: 993, security: 'tls', username: 'help', password: kept, folder: 'Заявки', ca: '-----BEGIN CERTIFICATE-----' } }],
    ['Mailgun', { ...base, smtp: { host: 'relay', port: 25, security: 'none' }, inbound: { provider: 'mailgun', signing_key: kept } }],
  ])('gives back the config it was filled from: %s', (_, config) => {
    // What is left out stays as it was, so what is empty is said.
    const none = { username: '', password: '', ca: '' };
    const inbound = config.inbound.provider === 'imap' ? { ca: '', ...config.inbound } : config.inbound;
    expect(configOf(valuesOf('Почта', config))).toEqual({ signature: '', ...config, smtp: { ...none, ...config.smtp }, inbound });
  });
  it('wants what the chosen way of receiving needs', () => {
    expect(Object.keys(required({ ...noChannel, provider: 'smtp' }))).toEqual(['name', 'address', 'from_name', 'host']);
    expect(Object.keys(required({ ...noChannel, provider: 'mailgun' }))).toContain('signing_key');
    expect(Object.keys(required({ ...noChannel, provider: 'sendgrid' }))).toContain('secret');
    expect(Object.keys(required({ ...noChannel, provider: 'imap' })).slice(4)).toEqual(['in_host', 'in_username', 'in_password']);
  });
  it('finds the field that the server names', () => {
    expect(['config.smtp.host', 'config.inbound.signing_key', 'config.inbound.host', 'config.inbound.secret', 'config.address', 'name'].map(fieldOf)).toEqual(['host', 'signing_key', 'in_host', 'secret', 'address', 'name']);
  });
  it('shows the address for SendGrid with the secret that is typed, or the one that is kept', () => {
    expect(hookWith('https://desk/hook?channel=1&secret=old', 'a b')).toBe('https://desk/hook?channel=1&secret=a%20b');
    expect(hookWith('https://desk/hook?channel=1', 'new')).toBe('https://desk/hook?channel=1&secret=new');
    expect(hookWith('https://desk/hook?channel=1&secret=old', kept)).toBe('https://desk/hook?channel=1&secret=old');
    expect(newSecret()).toMatch(/^[0-9a-f]{40}$/);
  });
});
