import { type Invitation, invitationState } from '#shared/core/invitation.ts';
import type { Invitations, Redemption } from '#shared/service/ports/invitations.ts';
import { grantEntry } from '#shared/service/ports/ledger.ts';
import { keyWrites } from './dynamo-keys.ts';
import { newAccount } from './dynamo-ledger.ts';
import type { DynamoTable, Item, Write } from './dynamo-table.ts';
import { indexKeys, itemKeys } from './item-keys.ts';
import { auditWrite, ledgerWrite } from './ledger-item.ts';
import { sortable } from './table-schema.ts';

interface InvitationItem extends Item {
  readonly version: number;
  readonly invitation: Invitation;
}

/** Invitations in DynamoDB. */
export function createDynamoInvitations(table: DynamoTable): Invitations {
  const read = async (id: string) =>
    (await table.get(itemKeys.invitation(id))) as InvitationItem | undefined;
  return {
    async create(invitation, audit) {
      await table.write([
        {
          put: toItem(invitation, 0),
          condition: 'attribute_not_exists(pk)',
        },
        auditWrite(audit),
      ]);
    },

    get: async (id) => (await read(id))?.invitation,

    async list() {
      const found: Invitation[] = [];
      const { pk } = itemKeys.invitation();
      for await (const item of table.query({ pk, newestFirst: true })) {
        found.push((item as InvitationItem).invitation);
      }
      return found;
    },

    async revoke(id, at, audit) {
      for (;;) {
        const item = await read(id);
        const { used, revokedAt } = item?.invitation ?? {};
        if (item === undefined || used !== undefined || revokedAt !== undefined) return undefined;
        const revoked = { ...item.invitation, revokedAt: at };
        if (await table.write([replace(item, revoked), auditWrite(audit)])) return revoked;
      }
    },

    async redeem(redemption) {
      for (;;) {
        const item = await read(redemption.invitation);
        if (item === undefined || invitationState(item.invitation, redemption.at) !== 'open') {
          return false;
        }
        if (await isGranted(table, redemption)) return false;
        if (await table.write(redemptionWrites(item, redemption))) return true;
      }
    },
  };
}

function toItem(invitation: Invitation, version: number): InvitationItem {
  return { ...itemKeys.invitation(invitation.id), version, invitation };
}

function replace(read: InvitationItem, invitation: Invitation): Write {
  return {
    put: toItem(invitation, read.version + 1),
    condition: '#version = :version',
    values: { ':version': read.version },
  };
}

async function isGranted(table: DynamoTable, { grant }: Redemption): Promise<boolean> {
  return grant !== undefined && (await table.get(itemKeys.grant(grant.reference))) !== undefined;
}

function redemptionWrites(item: InvitationItem, redemption: Redemption): readonly Write[] {
  const { at, account, key, audits } = redemption;
  const used: Invitation['used'] = { at, account: account.id, key: key.id };
  return [
    replace(item, { ...item.invitation, used }),
    ...accountWrites(redemption),
    ...keyWrites(key),
    ...audits.map(auditWrite),
  ];
}

/** The account with what it starts with. */
function accountWrites({ account, grant }: Redemption): readonly Write[] {
  const condition = 'attribute_not_exists(pk)';
  const item = newAccount(account);
  if (grant === undefined) return [{ put: item, condition }];
  const { amount, reference, expiresAt } = grant;
  const expiring = expiresAt !== undefined && {
    grants: [{ reference, expiresAt, remaining: amount }],
    grantsVersion: 1,
    duePk: indexKeys.expiringCredit,
    dueSk: `${sortable(expiresAt)}#${account.id}`,
  };
  const entry = grantEntry(grant);
  return [
    { put: { ...item, balance: amount, granted: amount, ...expiring }, condition },
    { put: { ...itemKeys.grant(reference), entry }, condition },
    ledgerWrite(entry),
    auditWrite(grant.audit),
  ];
}
