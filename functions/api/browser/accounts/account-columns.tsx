import type { Account } from '#functions/api/account/account-schema.ts';
import { usd, when } from '#functions/api/browser/format.ts';
import { State } from '#functions/api/browser/parts/state.tsx';
import type { Column } from '#functions/api/browser/parts/table.tsx';

interface Actions {
  /** The operator's own account, which nothing is done to. */
  readonly own: string;
  disable(account: Account): void;
  enable(account: Account): void;
  remove(account: Account): void;
}

export function accountColumns({
  own,
  disable,
  enable,
  remove,
}: Actions): readonly Column<Account>[] {
  return [
    { title: 'Name', cell: ({ name }) => name || '–' },
    { title: 'ID', cell: ({ id }) => <code>{id}</code> },
    { title: 'Status', cell: AccountState },
    { title: 'Balance', number: true, cell: ({ balance }) => usd(balance) },
    { title: 'Held', number: true, cell: ({ held }) => usd(held) },
    { title: 'Created', cell: ({ created_at }) => when(created_at) },
    {
      title: 'Actions',
      cell: (account) =>
        account.id !== own &&
        account.deleted_at === null && (
          <span class="row">
            {account.disabled_at === null ? (
              <button type="button" class="quiet" onClick={() => disable(account)}>
                Disable
              </button>
            ) : (
              <button type="button" class="quiet" onClick={() => enable(account)}>
                Enable
              </button>
            )}
            <button type="button" class="quiet danger" onClick={() => remove(account)}>
              Delete
            </button>
          </span>
        ),
    },
  ];
}

function AccountState({ disabled_at, deleted_at, erased_at }: Account) {
  if (erased_at !== null) return <State tone="neutral">Erased {when(erased_at)}</State>;
  if (deleted_at !== null) return <State tone="neutral">Deleted {when(deleted_at)}</State>;
  return disabled_at === null ? (
    <State tone="good">Active</State>
  ) : (
    <State tone="neutral">Disabled {when(disabled_at)}</State>
  );
}
