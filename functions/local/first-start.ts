import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Scope } from '#shared/core/account.ts';
import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { type AccountId, createUlid, type RandomBytes } from '#shared/core/ids.ts';
import { microUsd, ZERO_USD } from '#shared/core/money.ts';
import { grantCredit } from '#shared/service/domain/credits.ts';
import type { KeyService } from '#shared/service/domain/keys.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import { writePrivateFile } from './write-private-file.ts';

/** In the data folder, readable by its owner alone. */
export const KEYS_FILE = 'keys.json';
/** Enough for a page that polls and a script that hammers; keys for others get their own rates. */
const FIRST_RATE_PER_MINUTE = 6000;

const KeysSchema = z.object({ account: z.string(), key: z.string(), admin_key: z.string() });

/** The operator's account and its two keys, as `keys.json` keeps them. */
export interface FirstKeys {
  readonly account: AccountId;
  /** Scopes `predict` and `read`. */
  readonly key: string;
  /** Every scope. */
  readonly adminKey: string;
}

/** The keys that a start uses, and whether it made one of them. */
export interface EnsuredKeys extends FirstKeys {
  readonly areNew: boolean;
}

interface FirstStartDeps {
  readonly folder: string;
  readonly ledger: Ledger;
  readonly keyService: KeyService;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Micro-USD. */
  readonly demoCredit: number;
}

/**
 * Makes sure that there is an account with credit and working keys; any step may have been done before,
 * by a start that was cut off.
 */
export async function ensureFirstKeys(deps: FirstStartDeps): Promise<EnsuredKeys> {
  const path = join(deps.folder, KEYS_FILE);
  const account = await ensureAccount(deps);
  const kept = readFirstKeys(deps.folder);
  const key = await workingKey(deps, account, kept?.key, ['predict', 'read'], 'first key');
  const adminKey = await workingKey(
    deps,
    account,
    kept?.adminKey,
    ['predict', 'read', 'admin'],
    'first admin key',
  );
  const areNew = kept?.account !== account || kept.key !== key || kept.adminKey !== adminKey;
  if (areNew) {
    const text = JSON.stringify({ account, key, admin_key: adminKey }, null, 2);
    writePrivateFile(path, `${text}\n`);
  }
  return { account, key, adminKey, areNew };
}

async function ensureAccount(deps: FirstStartDeps): Promise<AccountId> {
  const { ledger, clock, randomBytes } = deps;
  const accounts = [...(await ledger.listAccounts())].sort((a, b) => a.createdAt - b.createdAt);
  const id = accounts[0]?.id ?? (`acc_${createUlid(clock, randomBytes)}` as AccountId);
  const at = clock.now();
  if (accounts.length === 0) {
    await ledger.createAccount(
      { id, name: 'demo', createdAt: at, balance: ZERO_USD, held: ZERO_USD },
      {
        id: createUlid(clock, randomBytes),
        at,
        account: id,
        actor: 'system',
        action: 'account-created',
        subject: id,
        details: { name: 'demo' },
      },
    );
  }
  const none = (await ledger.entries({ account: id, limit: 1 })).length === 0;
  if (none && deps.demoCredit > 0) {
    await grantCredit(deps, {
      account: id,
      amount: microUsd(deps.demoCredit),
      reference: 'demo-credit',
      actor: 'system',
      note: 'Credit to try the service with',
    });
  }
  return id;
}

/** The kept key, while it works and is the account's; a new one otherwise. */
async function workingKey(
  { keyService }: FirstStartDeps,
  account: AccountId,
  kept: string | undefined,
  scopes: readonly Scope[],
  label: string,
): Promise<string> {
  if (kept !== undefined) {
    const result = await keyService.authenticate(kept);
    if (result.ok && result.account.id === account) return kept;
  }
  const request = { account, label, scopes, ratePerMinute: FIRST_RATE_PER_MINUTE };
  return (await keyService.issue(request, 'system')).text;
}

/**
 * The keys as an earlier start kept them.
 *
 * @throws AppError `invalid-file` when the file is damaged
 */
export function readFirstKeys(folder: string): FirstKeys | undefined {
  const path = join(folder, KEYS_FILE);
  if (!existsSync(path)) return undefined;
  try {
    const kept = KeysSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return { account: kept.account as AccountId, key: kept.key, adminKey: kept.admin_key };
  } catch (cause) {
    throw new AppError(
      'invalid-file',
      `${path} is damaged. Delete it; the next start issues new keys.`,
      { cause },
    );
  }
}
