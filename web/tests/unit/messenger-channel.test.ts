import { describe, expect, it } from 'vitest';
import { configOf, fieldOf, noMessenger, required, valuesOf } from '../../src/tenant/settings/messenger';

describe('the form of a messenger', () => {
  it('gives back the config it was filled from', () => {
    const telegram = { bot_token: '••••', mode: 'polling', welcome: 'Здравствуйте!', api_base: 'http://10.0.0.1:8081' } as const;
    expect(configOf('telegram', valuesOf('telegram', 'Бот', telegram))).toEqual(telegram);
    const whatsapp = { base_url: 'https://wa.example.kz', instance: 'desk', api_key: '••••', groups: true };
    expect(configOf('whatsapp', valuesOf('whatsapp', 'WhatsApp', whatsapp))).toEqual(whatsapp);
    expect(configOf('max', valuesOf('max', 'MAX', { token: '••••', mode: 'webhook' }))).toEqual({ token: '••••', mode: 'webhook', welcome: '', api_base: '' });
  });

  it('asks for news where nobody can post to it', () => {
    expect(noMessenger('Бот', false).mode).toBe('polling');
    expect(noMessenger('Бот', true).mode).toBe('webhook');
  });

  it('shows a fault at the field that is to blame', () => {
    expect(fieldOf('telegram', 'config.bot_token')).toBe('token');
    expect(fieldOf('whatsapp', 'config.base_url')).toBe('base_url');
    expect(Object.keys(required('whatsapp', noMessenger('x', true)))).toEqual(['name', 'base_url', 'instance', 'token']);
  });
});
