import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { parseMacKeys, receiptSigningKey } from '#shared/adapters/aws/secret-keys.ts';
import { createSecretReader } from '#shared/adapters/aws/secret-reader.ts';

describe('the reader of secrets', () => {
  function reader() {
    let now = 1_800_000_000_000;
    let calls = 0;
    let answer: () => Promise<{ SecretString?: string }> = async () => ({ SecretString: 'one' });
    const client = {
      send: () => {
        calls++;
        return answer();
      },
    } as unknown as SecretsManagerClient;
    const read = createSecretReader({ client, clock: { now: () => now }, ttlMs: 1_000 });
    return {
      read,
      calls: () => calls,
      pass: (ms: number) => {
        now += ms;
      },
      answerWith: (next: typeof answer) => {
        answer = next;
      },
    };
  }

  it('asks once for many who ask at the same time, and again when its time is over', async () => {
    const { read, calls, pass } = reader();
    await Promise.all(Array.from({ length: 20 }, () => read('a')));
    expect(calls()).toBe(1);
    pass(999);
    await read('a');
    expect(calls()).toBe(1);
    pass(1);
    await read('a');
    expect(calls()).toBe(2);
  });

  it('goes on with what it knows while the secret can not be read', async () => {
    const { read, pass, answerWith } = reader();
    expect(await read('a')).toBe('one');
    answerWith(() => Promise.reject(new Error('down')));
    for (let i = 0; i < 3; i++) {
      pass(1_000);
      expect(await read('a')).toBe('one');
    }
    answerWith(async () => ({ SecretString: 'two' }));
    pass(1_000);
    expect(await read('a')).toBe('two');
  });

  it('keeps no failure of the first reading', async () => {
    const { read, answerWith } = reader();
    answerWith(() => Promise.reject(new Error('down')));
    await expect(read('a')).rejects.toThrow('down');
    answerWith(async () => ({ SecretString: 'one' }));
    expect(await read('a')).toBe('one');
  });
});

describe('keys in secrets', () => {
  const TEXT = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL';

  it('one text is the key of version 0', () => {
    const { current, keys } = parseMacKeys(TEXT);
    expect([current, [...keys.keys()]]).toEqual([0, [0]]);
    expect(keys.get(0)).toHaveLength(32);
  });

  it('a rotated secret keeps the old key under its version', () => {
    const next = TEXT.toUpperCase();
    const { current, keys } = parseMacKeys(
      JSON.stringify({ current: 1, keys: { 0: TEXT, 1: next } }),
    );
    expect(current).toBe(1);
    expect(keys.get(0)).toEqual(parseMacKeys(TEXT).keys.get(0));
    expect(keys.get(1)).not.toEqual(keys.get(0));
  });

  it.each([
    '',
    'short',
    '{"current":1,"keys":{"0":"abc"}}',
    `{"current":1,"keys":{"0":"${TEXT}"}}`,
    '{"current":99,"keys":{}}',
  ])('says nothing of a secret of another form: %j', (secret) => {
    expect(() => parseMacKeys(secret)).toThrow('The secret of the MAC keys has another form');
  });

  it('receipts are signed with 32 bytes', () => {
    expect(receiptSigningKey(TEXT)).toHaveLength(32);
  });
});
