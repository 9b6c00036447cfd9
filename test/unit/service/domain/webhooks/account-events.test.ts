import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACCOUNT_EVENTS, type AccountHook } from '#shared/core/account-hook.ts';
import { microUsd } from '#shared/core/money.ts';
import type { OutboxEntry } from '#shared/core/outbox.ts';
import { createAccountEvents } from '#shared/service/domain/webhooks/account-events.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createManualClock, type ManualClock } from '#test/helpers/manual-clock.ts';
import {
  ACCOUNT,
  DAY,
  fund,
  KEY,
  NOW,
  OTHER_ACCOUNT,
  PRICE,
  sampleAdmission,
  sampleAudit,
  sampleGrant,
  sampleKey,
} from '#test/helpers/samples.ts';
import { makeSqliteStores, type StoreSet } from '#test/helpers/stores.ts';

const HOOK: AccountHook = {
  account: ACCOUNT,
  url: 'https://example.com/account',
  events: ACCOUNT_EVENTS.filter((event) => event !== 'ledger.mismatch'),
  lowBalance: microUsd(2 * PRICE),
  told: [],
  version: 1,
};

let clock: ManualClock;
let stores: StoreSet;
let warm: string[];
let errors: unknown[];
let readWarm: () => Promise<string[]>;
let look: () => Promise<readonly OutboxEntry[]>;

beforeEach(async () => {
  clock = createManualClock(NOW);
  stores = await makeSqliteStores({ clock, randomBytes: createCountedBytes() });
  warm = [];
  errors = [];
  readWarm = async () => warm;
  look = createAccountEvents({
    ...stores,
    clock,
    randomBytes: createCountedBytes(),
    leastPrice: PRICE,
    warmModels: () => readWarm(),
    onError: (error) => errors.push(error),
  });
  await fund(stores.ledger, 2 * PRICE);
  await fund(stores.ledger, 0, OTHER_ACCOUNT);
});
afterEach(() => stores.close());

const put = (change: Partial<AccountHook> = {}) => stores.hooks.put({ ...HOOK, ...change }, []);
const told = async () =>
  (await look()).map(({ event, body }) => ({ event, data: JSON.parse(body ?? '').data }));

describe('the events of an account', () => {
  it('say once that the balance is low, and again after it was not', async () => {
    await put();
    expect(await told()).toEqual([]);
    await stores.jobs.admit(sampleAdmission());
    expect(await told()).toEqual([
      {
        event: 'balance.low',
        data: { account: ACCOUNT, balance: PRICE, low_balance: 2 * PRICE },
      },
    ]);
    expect(await told()).toEqual([]);
    const grant = (reference: string) =>
      stores.ledger.grant(sampleGrant(PRICE, { reference, entryId: `entry-${reference}` }));
    await grant('more');
    expect(await told()).toEqual([]);
    await stores.jobs.admit(sampleAdmission({ id: '01kb0000000000000000000009' as never }));
    expect(await told()).toMatchObject([{ event: 'balance.low' }]);
  });

  it('are told although another source fails, whose own are told neither as new nor as ended', async () => {
    await put();
    warm = ['owner/model'];
    expect(await told()).toMatchObject([{ event: 'model.warm' }]);
    readWarm = () => Promise.reject(new Error('the endpoint does not answer'));
    await stores.jobs.admit(sampleAdmission());
    expect(await told()).toMatchObject([{ event: 'balance.low' }]);
    expect(errors).toMatchObject([{ message: 'the endpoint does not answer' }]);
    readWarm = async () => warm;
    expect(await told()).toEqual([]);
    warm = [];
    expect(await told()).toMatchObject([{ event: 'model.cold' }]);
  });

  it('are in the outbox, due, under ids of their own, as Standard Webhooks has them', async () => {
    await put({ lowBalance: microUsd(100 * PRICE) });
    const [entry] = await look();
    expect(entry).toMatchObject({
      account: ACCOUNT,
      url: HOOK.url,
      nextAttemptAt: NOW,
      attempts: 0,
    });
    expect(JSON.parse(entry?.body ?? '')).toMatchObject({
      type: 'balance.low',
      timestamp: '2026-11-23T12:00:00.000Z',
    });
    expect(await stores.outbox.get(entry?.id ?? '')).toEqual(entry);
  });

  it('are told again to a receiver that was removed and set again', async () => {
    for (let times = 0; times < 2; times++) {
      await put({ lowBalance: microUsd(100 * PRICE) });
      expect(await look()).toHaveLength(1);
      await stores.hooks.remove(ACCOUNT);
    }
    expect(await stores.outbox.listByAccount(ACCOUNT, 10)).toHaveLength(2);
  });

  it('are told once where several look at one time', async () => {
    await put({ lowBalance: microUsd(100 * PRICE) });
    await Promise.all([look(), look(), look()]);
    expect(await stores.outbox.listByAccount(ACCOUNT, 10)).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  it('say of a key that it has less left of its cap than any order costs, once a day', async () => {
    const audit = sampleAudit({ action: 'key-created', subject: KEY });
    await stores.keys.create(sampleKey({ dayCap: microUsd(2 * PRICE - 1) }), audit);
    await put({ lowBalance: microUsd(0) });
    expect(await told()).toEqual([]);
    await stores.jobs.admit(sampleAdmission());
    expect(await told()).toMatchObject([
      { event: 'key.capped', data: { key: KEY, period: '2026-11-23', spent: PRICE } },
    ]);
    expect(await told()).toEqual([]);
    clock.advance(DAY);
    expect(await told()).toEqual([]);
    expect((await stores.hooks.get(ACCOUNT))?.told).toEqual([]);
  });

  it('say that a receiver was disabled', async () => {
    await put({ lowBalance: microUsd(0) });
    const health = {
      url: 'https://example.com/gone',
      disabledAt: NOW,
      disabledReason: 'gone',
    } as const;
    await stores.outbox.putHealth(ACCOUNT, health);
    expect(await told()).toMatchObject([
      { event: 'endpoint.disabled', data: { url: health.url, reason: 'gone' } },
    ]);
    expect(await told()).toEqual([]);
  });

  it('say when a model has an instance, and when it has none any more', async () => {
    await put({ lowBalance: microUsd(0) });
    warm = ['onestep/demo'];
    expect(await told()).toMatchObject([{ event: 'model.warm', data: { model: 'onestep/demo' } }]);
    expect(await told()).toEqual([]);
    warm = [];
    expect(await told()).toMatchObject([{ event: 'model.cold', data: { model: 'onestep/demo' } }]);
  });

  it('are only those that were asked for', async () => {
    await put({ events: ['model.cold'], lowBalance: microUsd(100 * PRICE) });
    warm = ['onestep/demo'];
    expect(await told()).toEqual([]);
    warm = [];
    expect(await told()).toMatchObject([{ event: 'model.cold' }]);
  });

  it('reach the others when one account fails', async () => {
    await put({ lowBalance: microUsd(100 * PRICE) });
    await put({ account: OTHER_ACCOUNT, lowBalance: microUsd(100 * PRICE) });
    const failing = createAccountEvents({
      ...stores,
      ledger: {
        ...stores.ledger,
        getAccount: async (id) => {
          if (id === ACCOUNT) throw new Error('broken');
          return stores.ledger.getAccount(id);
        },
      },
      clock,
      randomBytes: createCountedBytes(),
      leastPrice: PRICE,
      onError: (error) => errors.push(error),
    });
    expect((await failing()).map(({ account }) => account)).toEqual([OTHER_ACCOUNT]);
    expect(errors).toHaveLength(1);
  });
});

describe('a ledger that does not add up', () => {
  const broken = (isAuditDue?: (now: number) => boolean) =>
    createAccountEvents({
      ...stores,
      ledger: {
        ...stores.ledger,
        totals: async () => ({ ...(await stores.ledger.totals()), captured: microUsd(7) }),
      },
      clock,
      randomBytes: createCountedBytes(),
      leastPrice: PRICE,
      onError: (error) => errors.push(error),
      ...(isAuditDue && { isAuditDue }),
    });

  it('is told to whom asked for it, once', async () => {
    await put({ events: ['ledger.mismatch'] });
    const lookAgain = broken();
    const [entry, ...more] = await lookAgain();
    expect(more).toEqual([]);
    expect(JSON.parse(entry?.body ?? '')).toMatchObject({
      type: 'ledger.mismatch',
      data: { difference: 7 },
    });
    expect(await lookAgain()).toEqual([]);
  });

  it('stays told between two audits', async () => {
    await put({ events: ['ledger.mismatch'] });
    let due = true;
    const lookAgain = broken(() => due);
    expect(await lookAgain()).toHaveLength(1);
    due = false;
    expect(await lookAgain()).toEqual([]);
    due = true;
    expect(await lookAgain()).toEqual([]);
  });
});
