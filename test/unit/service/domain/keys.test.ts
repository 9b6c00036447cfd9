import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sha256Hex } from '#shared/core/hash.ts';
import type { KeyId } from '#shared/core/ids.ts';
import { microUsd } from '#shared/core/money.ts';
import { createKeyService, type KeyService, type NewKey } from '#shared/service/domain/keys.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { macKeys } from '#test/helpers/mac-keys.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import { ACCOUNT, DAY, fund, HOUR, OTHER_ACCOUNT, sampleAudit } from '#test/helpers/samples.ts';
import { makeSqliteStores, type StoreSet } from '#test/helpers/stores.ts';

const REQUEST: NewKey = {
  account: ACCOUNT,
  label: 'default',
  scopes: ['predict', 'read'],
  ratePerMinute: 60,
};

describe('key service', () => {
  let clock: ManualClock;
  let stores: StoreSet;
  let keys: KeyService;
  const createService = () =>
    createKeyService({
      keys: stores.keys,
      ledger: stores.ledger,
      clock,
      randomBytes,
      macKeys: macKeys(0),
    });
  const randomBytes = createCountedBytes();

  beforeEach(async () => {
    clock = createManualClock();
    stores = await makeSqliteStores({ clock, randomBytes });
    await fund(stores.ledger, 0);
    await fund(stores.ledger, 0, OTHER_ACCOUNT);
    keys = createService();
  });
  afterEach(() => stores.close());

  test('an account has so many in force; revoking one makes room for another', async () => {
    const first = await keys.issue(REQUEST, 'cli');
    await Promise.all(
      Array.from({ length: 999 }, (_, n) => {
        const key = { ...first.key, id: `key${String(n).padStart(13, '0')}` as KeyId };
        return stores.keys.create(key, sampleAudit());
      }),
    );
    await expect(keys.issue(REQUEST, 'cli')).rejects.toThrow('1000 API keys in force');
    await keys.issue({ ...REQUEST, account: OTHER_ACCOUNT }, 'cli');
    await keys.revoke(ACCOUNT, first.key.id, 'cli');
    await keys.issue(REQUEST, 'cli');
  });

  const reason = async (text: string, service = keys) => {
    const result = await service.authenticate(text);
    return result.ok ? 'ok' : result.reason;
  };

  test('a key’s use is noted once in a while, and no request waits for it', async () => {
    const { key, text } = await keys.issue(REQUEST, 'cli');
    const begun = clock.now();
    await keys.authenticate(text);
    await vi.waitFor(async () => expect((await keys.get(ACCOUNT, key.id))?.lastUsedAt).toBe(begun));
    clock.advance(9 * 60_000);
    await keys.authenticate(text);
    clock.advance(2 * 60_000);
    await keys.authenticate(text);
    await vi.waitFor(async () =>
      expect((await keys.get(ACCOUNT, key.id))?.lastUsedAt).toBe(begun + 11 * 60_000),
    );
  });

  test('an issued key authenticates as its account, and only its hash is stored', async () => {
    const { key, text } = await keys.issue({ ...REQUEST, dayCap: microUsd(5) }, 'cli');
    expect(await keys.authenticate(text)).toEqual({
      ok: true,
      account: { id: ACCOUNT, name: `Account ${ACCOUNT}`, createdAt: expect.any(Number) },
      key,
    });
    expect(key).toMatchObject({ ...REQUEST, dayCap: 5, secretHash: sha256Hex(text) });
    expect(JSON.stringify(await keys.list(ACCOUNT))).not.toContain(text.slice(25, 49));
    expect(JSON.stringify(await stores.keys.audit(ACCOUNT, 9))).not.toContain(text.slice(25, 49));
  });

  test('malformed, forged and unknown texts are told apart', async () => {
    const { text } = await keys.issue(REQUEST, 'cli');
    expect(await reason('os_live_x')).toBe('malformed');
    expect(await reason(`${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`)).toBe('forged');
    const elsewhere = createKeyService({
      keys: { ...stores.keys, create: async () => {} },
      ledger: stores.ledger,
      clock,
      randomBytes,
      macKeys: macKeys(0),
    });
    expect(await reason((await elsewhere.issue(REQUEST, 'cli')).text)).toBe('unknown');
  });

  test('a genuine MAC over a stored id with another secret is unknown', async () => {
    const { key } = await keys.issue(REQUEST, 'cli');
    const other = await keys.issue(REQUEST, 'cli');
    const swapped = createKeyService({
      keys: { ...stores.keys, get: async () => key },
      ledger: stores.ledger,
      clock,
      randomBytes,
      macKeys: macKeys(0),
    });
    expect(await reason(other.text, swapped)).toBe('unknown');
  });

  test('a revoked key is refused at once here, and within 60 s elsewhere', async () => {
    const { key, text } = await keys.issue(REQUEST, 'cli');
    const elsewhere = createService();
    expect([await reason(text), await reason(text, elsewhere)]).toEqual(['ok', 'ok']);
    expect(await keys.revoke(ACCOUNT, key.id, 'cli')).toMatchObject({ revokedAt: clock.now() });
    expect(await reason(text)).toBe('revoked');
    clock.advance(59_999);
    expect(await reason(text, elsewhere)).toBe('ok');
    clock.advance(1);
    expect(await reason(text, elsewhere)).toBe('revoked');
    expect(await keys.revoke(ACCOUNT, key.id, 'cli')).toBeUndefined();
  });

  test('a clock that was set back does not keep a revoked key in force elsewhere', async () => {
    const { key, text } = await keys.issue(REQUEST, 'cli');
    const elsewhere = createService();
    expect(await reason(text, elsewhere)).toBe('ok');
    await keys.revoke(ACCOUNT, key.id, 'cli');
    clock.advance(-3_600_000);
    expect(await reason(text, elsewhere)).toBe('revoked');
  });

  test('a look-up that began before a revocation is not remembered after it', async () => {
    const { key, text } = await keys.issue(REQUEST, 'cli');
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let reads = 0;
    const slow = createKeyService({
      keys: {
        ...stores.keys,
        get: async (id) => {
          const found = await stores.keys.get(id);
          if (++reads === 1) await gate;
          return found;
        },
      },
      ledger: stores.ledger,
      clock,
      randomBytes,
      macKeys: macKeys(0),
    });
    const early = reason(text, slow);
    await slow.revoke(ACCOUNT, key.id, 'cli');
    release();
    await early;
    expect(await reason(text, slow)).toBe('revoked');
  });

  test('reads the stores once a minute, not once a request', async () => {
    let reads = 0;
    const counted = createKeyService({
      keys: {
        ...stores.keys,
        get: (id) => {
          reads++;
          return stores.keys.get(id);
        },
      },
      ledger: stores.ledger,
      clock,
      randomBytes,
      macKeys: macKeys(0),
    });
    const { text } = await counted.issue(REQUEST, 'cli');
    for (let i = 0; i < 50; i++) await counted.authenticate(text);
    expect(reads).toBe(1);
  });

  test('an expired key is refused from its second on, cached or not', async () => {
    const { text } = await keys.issue({ ...REQUEST, expiresAt: clock.now() + 1000 }, 'cli');
    expect(await reason(text)).toBe('ok');
    clock.advance(1000);
    expect(await reason(text)).toBe('expired');
  });

  test('keys of a disabled account are refused', async () => {
    const { text } = await keys.issue(REQUEST, 'cli');
    expect(await reason(text)).toBe('ok');
    await stores.ledger.setDisabled(ACCOUNT, clock.now(), sampleAudit());
    keys.forgetAccount(ACCOUNT);
    expect(await reason(text)).toBe('account-disabled');
  });

  test('rotation gives a new key with the same rights; the old one works until the overlap ends', async () => {
    const limits = { dayCap: microUsd(5), monthCap: microUsd(9), expiresAt: clock.now() + 9 * DAY };
    const old = await keys.issue({ ...REQUEST, ...limits }, 'cli');
    const rotated = await keys.rotate(ACCOUNT, old.key.id, HOUR, old.key.id);
    expect(rotated?.key).toMatchObject({ ...REQUEST, ...limits });
    expect(rotated?.replaced).toMatchObject({
      expiresAt: clock.now() + HOUR,
      replacedBy: rotated?.key.id,
    });
    expect([await reason(old.text), await reason(rotated?.text ?? '')]).toEqual(['ok', 'ok']);
    expect(await keys.rotate(ACCOUNT, old.key.id, HOUR, 'cli')).toBeUndefined();
    const third = await keys.rotate(ACCOUNT, rotated?.key.id as KeyId, 2 * HOUR, 'cli');
    // They are counted as one, whichever is used.
    expect([rotated?.key.budgetKey, third?.key.budgetKey]).toEqual([old.key.id, old.key.id]);
    clock.advance(HOUR);
    expect([await reason(old.text), await reason(rotated?.text ?? '')]).toEqual(['expired', 'ok']);
    const actions = (await stores.keys.audit(ACCOUNT, 10)).map(({ action }) => action);
    expect(actions.sort()).toEqual([
      'account-created',
      'key-created',
      'key-created',
      'key-created',
      'key-rotated',
      'key-rotated',
    ]);
  });

  test('updates take effect at once; limits can be removed', async () => {
    const { key, text } = await keys.issue({ ...REQUEST, dayCap: microUsd(5) }, 'cli');
    await keys.authenticate(text);
    await keys.update(
      ACCOUNT,
      key.id,
      { scopes: ['admin'], dayCap: null, ratePerMinute: 7 },
      'cli',
    );
    const result = await keys.authenticate(text);
    expect(result).toMatchObject({ ok: true, key: { scopes: ['admin'], ratePerMinute: 7 } });
    expect(result.ok && result.key.dayCap).toBeUndefined();
  });

  test.each([
    { ratePerMinute: 0 },
    { ratePerMinute: 1.5 },
    { dayCap: -1 },
    { monthCap: Number.NaN },
  ])('refuses the limits %j', async (limits) => {
    const issued = keys.issue({ ...REQUEST, ...(limits as object) }, 'cli');
    await expect(issued).rejects.toMatchObject({ code: 'invalid-input' });
  });

  test('another account’s key is not there', async () => {
    const { key } = await keys.issue(REQUEST, 'cli');
    expect(await keys.get(OTHER_ACCOUNT, key.id)).toBeUndefined();
    expect(await keys.revoke(OTHER_ACCOUNT, key.id, 'cli')).toBeUndefined();
    expect(await keys.update(OTHER_ACCOUNT, key.id, { label: 'x' }, 'cli')).toBeUndefined();
    expect(await keys.rotate(OTHER_ACCOUNT, key.id, HOUR, 'cli')).toBeUndefined();
    expect(await keys.get(ACCOUNT, 'none' as KeyId)).toBeUndefined();
    expect(await keys.get(ACCOUNT, key.id)).toEqual(key);
  });
});
