import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import {
  createKeyCheck,
  mintApiKey,
  parseApiKey,
  verifyApiKeyMac,
} from '#shared/service/domain/key-format.ts';
import { macKeys } from '#test/helpers/mac-keys.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));
const mint = (keys = macKeys(0)) => mintApiKey({ randomBytes: random, macKeys: keys });

const verify = (text: string, keys = macKeys(0)): boolean => {
  const parsed = parseApiKey(text);
  return parsed !== undefined && verifyApiKeyMac(parsed, keys);
};

describe('API key text', () => {
  test('is os_live_<id>_<secret>_<mac> and verifies', () => {
    const { id, text } = mint();
    expect(text).toMatch(/^os_live_[0-9A-Za-z]{16}_[0-9A-Za-z]{24}_[0-9A-Za-z]{23}$/);
    expect(parseApiKey(text)).toMatchObject({ id, macVersion: 0 });
    expect(verify(text)).toBe(true);
  });

  test('carries 128 bits of HMAC-SHA256 over what is before it', () => {
    const { text } = mint(macKeys(7));
    const signed = text.slice(0, text.lastIndexOf('_'));
    const digest = createHmac('sha256', Buffer.alloc(32, 8)).update(signed).digest();
    let value = BigInt(`0x${digest.subarray(0, 16).toString('hex')}`);
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    let mac = '';
    for (let i = 0; i < 22; i++, value /= 62n) mac = alphabet[Number(value % 62n)] + mac;
    expect(text.slice(text.lastIndexOf('_') + 1)).toBe(`7${mac}`);
  });

  test('fails at each of its characters when that one is changed', () => {
    const { text } = mint();
    for (let i = 0; i < text.length; i++) {
      const other = text[i] === 'A' ? 'B' : 'A';
      expect(verify(text.slice(0, i) + other + text.slice(i + 1)), `character ${i}`).toBe(false);
    }
  });

  test.each([
    '',
    'os_live_',
    'Bearer x',
    `os_live_${'a'.repeat(16)}_${'b'.repeat(24)}_${'c'.repeat(22)}`,
    `os_test_${'a'.repeat(16)}_${'b'.repeat(24)}_${'c'.repeat(23)}`,
    `os_live_${'a'.repeat(16)}_${'b'.repeat(24)}_${'c'.repeat(23)}\n`,
    `os_live_${'ä'.repeat(16)}_${'b'.repeat(24)}_${'c'.repeat(23)}`,
    'x'.repeat(5_000_000),
  ])('of another form is refused: %.40s', (text) => {
    expect(parseApiKey(text)).toBeUndefined();
  });

  test('a check knows genuine texts again, asks for their MAC once, and takes no other', () => {
    const keys = macKeys(0);
    const { text } = mint(keys);
    const check = createKeyCheck(keys);
    const asked = vi.spyOn(keys.keys, 'get');
    expect(check(text)).toMatchObject({ ok: true });
    expect(check(text)).toEqual({ ok: true, key: parseApiKey(text) });
    expect(asked).toHaveBeenCalledTimes(1);
    const forged = text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A');
    expect(check(forged)).toEqual({ ok: false, reason: 'forged' });
    expect(check(forged)).toEqual({ ok: false, reason: 'forged' });
    expect(check(`${text}x`)).toEqual({ ok: false, reason: 'malformed' });
  });

  test('MAC keys rotate: old keys verify while their version is kept, no longer', () => {
    const old = mint(macKeys(0)).text;
    const next = mint(macKeys(0, 1)).text;
    expect([verify(old, macKeys(0, 1)), verify(next, macKeys(0, 1))]).toEqual([true, true]);
    expect([verify(old, macKeys(1)), verify(next, macKeys(1))]).toEqual([false, true]);
  });

  test('no two are alike, and every base62 digit occurs evenly', () => {
    const texts = Array.from({ length: 500 }, () => mint().text);
    expect(new Set(texts).size).toBe(500);
    const counts = new Map<string, number>();
    const digits = texts.flatMap((text) => [...text.slice(25, 49)]);
    for (const digit of digits) counts.set(digit, (counts.get(digit) ?? 0) + 1);
    expect(counts.size).toBe(62);
    // 12,000 draws of 62: mean 194, standard deviation 14; seven of those is no accident.
    for (const count of counts.values()) expect(Math.abs(count - 194)).toBeLessThan(98);
  });
});
