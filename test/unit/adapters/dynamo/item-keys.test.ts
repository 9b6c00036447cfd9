import { describe, expect, it } from 'vitest';
import { itemKeys } from '#shared/adapters/dynamo/item-keys.ts';
import type { AccountId } from '#shared/core/ids.ts';

const ACCOUNT = 'acc_1' as AccountId;

describe('keys of items', () => {
  it('what the delivering function writes lies in the partitions that it may write', () => {
    const written = [
      itemKeys.delivery('msg_1'),
      itemKeys.attempt('msg_1', 3),
      itemKeys.webhookSettings(ACCOUNT),
      itemKeys.webhookHealth(ACCOUNT, 'hash'),
    ];
    for (const { pk } of written) expect(pk).toMatch(/^(OUTBOX|RECEIVER)#/);
  });

  it('an account can reach no key of another by its name', () => {
    const sneaky = 'acc_1#BALANCE' as AccountId;
    expect(itemKeys.account(sneaky)).not.toEqual(itemKeys.account(ACCOUNT));
    expect(itemKeys.ledgerEntry(ACCOUNT, 'x').sk.startsWith('LEDGER#')).toBe(true);
  });
});
