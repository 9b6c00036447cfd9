import { useState } from 'hono/jsx/dom';
import type { Account } from '#functions/api/account/account-schema.ts';
import type { Invitation } from '#functions/api/account/invitation-schema.ts';
import { call } from '#functions/api/browser/api.ts';
import { usd } from '#functions/api/browser/format.ts';
import { Confirm } from '#functions/api/browser/parts/confirm.tsx';
import { Notice } from '#functions/api/browser/parts/notice.tsx';
import { Table } from '#functions/api/browser/parts/table.tsx';
import { useLoaded } from '#functions/api/browser/parts/use-loaded.ts';
import { accountColumns } from './account-columns.tsx';
import { invitationColumns } from './invitation-columns.tsx';
import { Invite } from './invite.tsx';

interface Everyone {
  readonly own: string;
  readonly accounts: readonly Account[];
  readonly invitations: readonly Invitation[];
}

/** For whoever runs the service: every account, and the invitations to further ones. */
export function Accounts() {
  const { value, problem, reload } = useLoaded(loadEveryone);
  const [failure, setFailure] = useState<unknown>(undefined);
  const [doomed, setDoomed] = useState<Account | undefined>(undefined);
  const act = async (path: string, method: 'POST' | 'DELETE' = 'POST') => {
    try {
      await call(method, path);
      setFailure(undefined);
      reload();
    } catch (error) {
      setFailure(error);
    }
  };
  if (problem !== undefined) return <Notice problem={problem} />;
  const { own = '', accounts, invitations } = value ?? {};
  return (
    <div>
      {failure !== undefined && <Notice problem={failure} />}
      <Invite made={reload} />
      <h2>Accounts</h2>
      <Table
        caption="Accounts"
        columns={accountColumns({
          own,
          disable: ({ id }) => void act(`/v1/accounts/${id}/disable`),
          enable: ({ id }) => void act(`/v1/accounts/${id}/enable`),
          remove: setDoomed,
        })}
        rows={accounts}
        empty="No accounts yet."
        keyOf={({ id }) => id}
      />
      <h2>Invitations</h2>
      <Table
        caption="Invitations"
        columns={invitationColumns(({ id }) => void act(`/v1/invitations/${id}/revoke`))}
        rows={invitations}
        empty="No invitations yet."
        keyOf={({ id }) => id}
      />
      {doomed !== undefined && (
        <Confirm
          title={`Delete ${doomed.name || doomed.id}?`}
          text={`Its predictions, images, keys and webhooks are erased for good. The ledger stays, and with it what is left of the balance (${usd(doomed.balance)}): pay that back first.`}
          action="Delete"
          confirm={() => void act(`/v1/accounts/${doomed.id}`, 'DELETE')}
          close={() => setDoomed(undefined)}
        />
      )}
    </div>
  );
}

async function loadEveryone(): Promise<Everyone> {
  const [own, accounts, invitations] = await Promise.all([
    call<Account>('GET', '/v1/account'),
    call<{ results: readonly Account[] }>('GET', '/v1/accounts'),
    call<{ results: readonly Invitation[] }>('GET', '/v1/invitations'),
  ]);
  return { own: own.id, accounts: accounts.results, invitations: invitations.results };
}
