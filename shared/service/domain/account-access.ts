import type { Account, AuditEntry } from '#shared/core/account.ts';
import type { Clock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { type AccountId, createUlid, type RandomBytes } from '#shared/core/ids.ts';
import type { Ledger } from '#shared/service/ports/ledger.ts';
import type { KeyService } from './keys.ts';

export interface AccountAccessDeps {
  readonly ledger: Pick<Ledger, 'getAccount' | 'setDisabled'>;
  readonly keyService: Pick<KeyService, 'forgetAccount'>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

/**
 * Disables an account or enables it again, with an entry in the audit log; harmless to repeat. The keys
 * of a disabled account are refused: at once by this process, within 60 s by others. Jobs that were
 * admitted before run to their end and are charged.
 *
 * @throws AppError `not-found` when there is no such account, `conflict` when it was deleted and is to be enabled
 */
export async function setAccountAccess(
  deps: AccountAccessDeps,
  change: {
    readonly account: AccountId;
    readonly access: 'disabled' | 'enabled';
    readonly actor: AuditEntry['actor'];
  },
): Promise<Account> {
  const { account: id, access, actor } = change;
  const disable = access === 'disabled';
  let account = await deps.ledger.getAccount(id);
  if (account?.deletedAt !== undefined && !disable) {
    throw new AppError('conflict', `The account "${id}" was deleted, and can't be enabled again.`);
  }
  if (account !== undefined && disable !== (account.disabledAt !== undefined)) {
    const at = deps.clock.now();
    account = await deps.ledger.setDisabled(id, disable ? at : undefined, {
      id: createUlid(deps.clock, deps.randomBytes),
      at,
      account: id,
      actor,
      action: `account-${access}`,
      subject: id,
      details: {},
    });
  }
  if (account === undefined) throw new AppError('not-found', `There is no account "${id}".`);
  deps.keyService.forgetAccount(id);
  return account;
}
