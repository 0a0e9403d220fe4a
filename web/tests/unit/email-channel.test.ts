import { describe, expect, it } from 'vitest';
import type { EmailConfig } from '../../src/lib/types';
import { configOf, fieldOf, kept, noChannel, required, valuesOf } from '../../src/tenant/settings/email';

const base = { address: 'help@demo.kz', from_name: 'Поддержка' };

describe('the form of an e-mail channel', () => {
  it.each<[string, EmailConfig]>([
    ['the built-in listener', { ...base, signature: 'С уважением', smtp: { host: 'smtp.demo.kz', port: 465, security: 'tls', username: 'desk', password: kept }, inbound: { provider: 'smtp' } }],
    ['Mailgun', { ...base, smtp: { host: 'relay', port: 25, security: 'none' }, inbound: { provider: 'mailgun', signing_key: kept } }],
  ])('gives back the config it was filled from: %s', (_, config) => expect(configOf(valuesOf('Почта', config))).toEqual(config));
  it('wants what the chosen way of receiving needs', () => {
    expect(Object.keys(required({ ...noChannel, provider: 'smtp' }))).toEqual(['name', 'address', 'from_name', 'host']);
    expect(Object.keys(required({ ...noChannel, provider: 'mailgun' }))).toContain('signing_key');
  });
  it('finds the field that the server names', () => {
    expect(['config.smtp.host', 'config.inbound.signing_key', 'config.address', 'name'].map(fieldOf)).toEqual(['host', 'signing_key', 'address', 'name']);
  });
});
