import { expect, test } from 'vitest';
import { browserName } from '../../src/tenant/settings/browser';
import { may, rolesOf } from '../../src/tenant/settings/roles';

test.each([
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36', 'Chrome, Windows'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 YaBrowser/24.6.0 Safari/537.36', 'Yandex Browser, Windows'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1', 'Safari, iPhone'],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0', 'Firefox, Linux'],
  ['Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36 EdgA/126.0', 'Edge, Android'],
  ['curl/8.5.0', 'curl'],
  ['', ''],
])('%s is called %s', (agent, name) => expect(browserName(agent)).toBe(name));

test('nobody gives a role above their own or changes somebody above them', () => {
  expect(rolesOf('admin')).toEqual(['operator', 'supervisor', 'admin']);
  expect(may('admin', 'admin')).toBe(true);
  expect(may('admin', 'head_admin')).toBe(false);
});
