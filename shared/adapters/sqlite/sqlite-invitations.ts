import type Database from 'libsql';
import type { RandomBytes } from '#shared/core/ids.ts';
import { type Invitation, invitationState } from '#shared/core/invitation.ts';
import type { Invitations } from '#shared/service/ports/invitations.ts';
import { grantEntry } from '#shared/service/ports/ledger.ts';
import { createAccountRows } from './account-rows.ts';
import { createAuditLog } from './audit-log.ts';
import { createCreditRows } from './credit-rows.ts';
import type { Writer } from './group-commit.ts';
import { createKeyRows } from './key-rows.ts';
import { createLedgerRows } from './ledger-rows.ts';

interface Row {
  readonly data: string;
}

export function createSqliteInvitations(
  db: Database.Database,
  writer: Writer,
  { randomBytes }: { readonly randomBytes: RandomBytes },
): Invitations {
  const audit = createAuditLog(db);
  const accounts = createAccountRows(db);
  const keys = createKeyRows(db);
  const ledger = createLedgerRows(db);
  const credit = createCreditRows(db, randomBytes);
  const insert = db.prepare('INSERT OR IGNORE INTO invitations (id, data) VALUES (?, ?)');
  const replace = db.prepare('UPDATE invitations SET data = ? WHERE id = ?');
  const select = db.prepare('SELECT data FROM invitations WHERE id = ?');
  const selectAll = db.prepare('SELECT data FROM invitations ORDER BY id DESC');
  const selectGrant = db.prepare('SELECT 1 FROM grants WHERE reference = ?');
  const toInvitation = ({ data }: Row) => JSON.parse(data) as Invitation;

  const get = (id: string): Invitation | undefined => {
    const row = select.get(id) as Row | undefined;
    return row && toInvitation(row);
  };
  const put = (invitation: Invitation): Invitation => {
    replace.run(JSON.stringify(invitation), invitation.id);
    return invitation;
  };

  return {
    create: (invitation, entry) =>
      writer.write(() => {
        insert.run(invitation.id, JSON.stringify(invitation));
        audit.add(entry);
      }),

    get: async (id) => get(id),
    list: async () => (selectAll.all() as Row[]).map(toInvitation),

    revoke: (id, at, entry) =>
      writer.write(() => {
        const known = get(id);
        if (known === undefined || known.used !== undefined || known.revokedAt !== undefined) {
          return undefined;
        }
        audit.add(entry);
        return put({ ...known, revokedAt: at });
      }),

    redeem: ({ invitation: id, at, account, key, grant, audits }) =>
      writer.write(() => {
        const known = get(id);
        if (known === undefined || invitationState(known, at) !== 'open') return false;
        if (grant !== undefined && selectGrant.get(grant.reference) !== undefined) return false;
        put({ ...known, used: { at, account: account.id, key: key.id } });
        accounts.add(account);
        keys.add(key);
        if (grant !== undefined) {
          ledger.addEntry(grantEntry(grant));
          credit.add(grant);
          ledger.moveMoney(account.id, grant.amount, 0);
          audit.add(grant.audit);
        }
        for (const entry of audits) audit.add(entry);
        return true;
      }),
  };
}
