import type { Invitation } from '#functions/api/account/invitation-schema.ts';
import { usd, when } from '#functions/api/browser/format.ts';
import { State } from '#functions/api/browser/parts/state.tsx';
import type { Column } from '#functions/api/browser/parts/table.tsx';

const STATES: Readonly<Record<Invitation['state'], string>> = {
  open: 'Open',
  used: 'Used',
  revoked: 'Revoked',
  expired: 'Expired',
};

export function invitationColumns(
  revoke: (invitation: Invitation) => void,
): readonly Column<Invitation>[] {
  return [
    { title: 'Name', cell: ({ name }) => name || '–' },
    {
      title: 'Status',
      cell: ({ state }) => (
        <State tone={state === 'open' ? 'good' : 'neutral'}>{STATES[state]}</State>
      ),
    },
    { title: 'Credit', number: true, cell: ({ credit }) => usd(credit) },
    { title: 'Expires', cell: ({ expires_at }) => when(expires_at) },
    { title: 'Account', cell: ({ account }) => (account === null ? '–' : <code>{account}</code>) },
    {
      title: 'Actions',
      cell: (invitation) =>
        invitation.state === 'open' && (
          <button type="button" class="quiet danger" onClick={() => revoke(invitation)}>
            Revoke
          </button>
        ),
    },
  ];
}
