import { describe, expect, it } from 'vitest';
import type { EmailConfig } from '../../src/lib/types';
import { configOf, fieldOf, kept, noChannel, required, valuesOf } from '../../src/tenant/settings/email';

const smtp = { host: 'smtp.demo.kz', port: 465, security: 'tls', username: 'desk', password: kept } as const;
const base = { address: 'help@demo.kz', from_name: 'Поддержка' };

describe('the form of an e-mail channel', () => {
  it.each<EmailConfig>([
    { ...base, signature: 'С уважением', smtp, inbound: { provider: 'smtp' } },
    { ...base, inbound: { provider: 'mailgun', signing_key: kept } },
    { ...base, smtp: { host: 'relay', port: 25, security: 'none' }, inbound: { provider: 'sendgrid', secret: kept } },
    { ...base, smtp, inbound: { provider: 'imap', host: 'imap.demo.kz', port: 993, security: 'tls', username: 'desk', password: kept, folder: 'Support' } },
  ])('gives back the config it was filled from: $inbound.provider', (config) => expect(configOf(valuesOf('Почта', config))).toEqual(config));
  it('wants what the chosen way of receiving needs', () => {
    expect(Object.keys(required({ ...noChannel, provider: 'smtp', sends: false }))).toEqual(['name', 'address', 'from_name']);
    expect(Object.keys(required({ ...noChannel, provider: 'imap', sends: true }))).toEqual(['name', 'address', 'from_name', 'smtp_host', 'imap_host', 'imap_username', 'imap_password']);
  });
  it('finds the field that the server names', () => {
    expect(['config.smtp.host', 'config.inbound.port', 'config.inbound.signing_key', 'name'].map(fieldOf)).toEqual(['smtp_host', 'imap_port', 'signing_key', 'name']);
  });
});
