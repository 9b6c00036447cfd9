import { describe, expect, it, vi } from 'vitest';
import { createOriginReader, isNetwork } from '#functions/local/proxy-origin.ts';

const headers = (more: Record<string, string>) => new Headers({ host: '127.0.0.1:8787', ...more });
const FORWARDED = headers({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'img.example' });

describe('what a proxy says of its request', () => {
  const read = createOriginReader(['172.17.0.0/16', 'fd00::/8'], () => undefined);

  it.each([
    [{ 'x-forwarded-proto': 'https' }, 'https://127.0.0.1:8787'],
    [{ host: 'a.example', 'x-forwarded-proto': 'https' }, 'https://a.example'],
    [{ 'x-forwarded-host': 'a.example', 'x-forwarded-proto': 'HTTPS' }, 'https://a.example'],
    [{ 'x-forwarded-host': 'a.example' }, 'http://a.example'],
    [
      { 'x-forwarded-host': 'a.example', 'x-forwarded-proto': 'https', 'x-forwarded-port': '8443' },
      'https://a.example:8443',
    ],
    [
      { 'x-forwarded-host': 'a.example', 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' },
      'https://a.example',
    ],
    [
      { 'x-forwarded-host': 'a.example, inner', 'x-forwarded-proto': 'https, http' },
      'https://a.example',
    ],
    [
      { 'x-forwarded-proto': 'https', host: 'a.example', 'x-forwarded-prefix': '/img/' },
      'https://a.example/img',
    ],
    [{ forwarded: 'for=1.2.3.4;proto=https;host="a.example:8443"' }, 'https://a.example:8443'],
    [{ forwarded: 'for=1.2.3.4;host=a.example;proto=https, for=5' }, 'https://a.example'],
    [{ 'x-forwarded-for': '1.2.3.4' }, undefined],
    [{ 'x-forwarded-proto': 'javascript', 'x-forwarded-host': 'a.example' }, undefined],
    [{ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a.example/x?' }, undefined],
    [
      { 'x-forwarded-proto': 'https', host: 'a.example', 'x-forwarded-prefix': '//evil.example' },
      'https://a.example',
    ],
  ])('%o is %s', (more, origin) => {
    expect(read(headers(more), '127.0.0.1')).toBe(origin);
  });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '172.17.0.1', 'fd00::1'])(
    'counts from %s',
    (peer) => {
      expect(read(FORWARDED, peer)).toBe('https://img.example');
    },
  );

  it.each(['172.18.0.1', '10.0.0.1', '2001:db8::1', undefined])('not from %s', (peer) => {
    expect(read(FORWARDED, peer)).toBeUndefined();
  });

  it('is told of once where it does not count, and not where nothing was said', () => {
    const onIgnored = vi.fn();
    const strict = createOriginReader([], onIgnored);
    strict(headers({}), '172.17.0.1');
    expect(onIgnored).not.toHaveBeenCalled();
    strict(FORWARDED, '172.17.0.1');
    strict(FORWARDED, '172.17.0.2');
    expect(onIgnored.mock.calls).toEqual([['172.17.0.1']]);
  });
});

describe('a setting', () => {
  it.each(['10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8'])('may be %s', (text) => {
    expect(isNetwork(text)).toBe(true);
  });
  it.each(['', 'proxy.example', '10.0.0.0/33', '10.0.0.0/x', '10.0.0/8'])('is not %o', (text) => {
    expect(isNetwork(text)).toBe(false);
  });
});
