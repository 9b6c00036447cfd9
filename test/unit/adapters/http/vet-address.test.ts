import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '#shared/adapters/http/vet-address.ts';
import { vetUrl } from '#shared/adapters/http/vet-url.ts';

describe('isPublicAddress', () => {
  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '10.255.255.255',
    '100.64.0.1',
    '100.127.255.254',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '169.254.170.2',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.19.255.255',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::1',
    '2001::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd00:ec2::254',
    'fdff:ffff::1',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'ff02::1',
    'localhost',
    '',
    '1.2.3',
  ])('refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '198.17.255.255',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4001::1',
  ])('lets %s through', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('vetUrl', () => {
  it.each([
    ['a decimal host', 'https://2130706433/'],
    ['an octal host', 'https://0177.0.0.1/'],
    ['a hex host', 'https://0x7f000001/'],
    ['a hex host of the metadata service', 'https://0xa9fea9fe/latest/meta-data'],
    ['a short host', 'https://127.1/'],
    ['full-width digits', 'https://１６９.254.169.254/'],
    ['metadata', 'https://169.254.169.254/latest/meta-data/'],
    ['the container metadata', 'https://169.254.170.2/v2/credentials'],
    ['an IPv6 loopback', 'https://[::1]/'],
    ['an IPv4-mapped IPv6', 'https://[::ffff:169.254.169.254]/'],
    ['a NAT64 address', 'https://[64:ff9b::169.254.169.254]/'],
    ['a unique local address', 'https://[fd00:ec2::254]/'],
    ['localhost', 'https://localhost/'],
    ['localhost with a dot', 'https://localhost./'],
    ['a name under localhost', 'https://a.localhost/'],
    ['plain http', 'http://example.com/'],
    ['another scheme', 'ftp://example.com/'],
    ['a file', 'file:///etc/passwd'],
    ['data', 'data:text/plain,x'],
    ['another port', 'https://example.com:22/'],
    ['port 9001', 'https://example.com:9001/'],
    ['a user name', 'https://user@example.com/'],
    ['a password', 'https://user:pass@example.com/'],
    ['no URL', 'example.com/hook'],
    ['an empty text', ''],
    ['a very long URL', `https://example.com/${'a'.repeat(2048)}`],
  ])('refuses %s', (_name, url) => {
    expect(vetUrl(url, false).ok).toBe(false);
  });

  it.each(['https://example.com/', 'https://example.com:8443/a?b=c', 'https://1.1.1.1/'])(
    'lets %s through',
    (url) => {
      expect(vetUrl(url, false).ok).toBe(true);
    },
  );

  it('lets this host through only when told to', () => {
    for (const url of ['http://127.0.0.1:9/', 'http://localhost:3000/hook', 'https://[::1]:9/']) {
      expect(vetUrl(url, true).ok).toBe(true);
      expect(vetUrl(url, false).ok).toBe(false);
    }
    expect(vetUrl('http://169.254.169.254/', true).ok).toBe(false);
    expect(vetUrl('http://example.com/', true).ok).toBe(false);
  });
});
