import type { z } from 'zod';
import type {
  Invitation,
  MadeInvitation,
  NewInvitationSchema,
} from '#functions/api/account/invitation-schema.ts';
import { formatTable, oneLine, shortTime } from '#functions/cli/client/table.ts';
import { defined } from '#shared/core/defined.ts';
import { formatUsd, microUsd } from '#shared/core/money.ts';
import type { AccountsAction } from './options.ts';

/** `onestep accounts invite NAME`: prints the link to send. */
export const invite: AccountsAction = async (context, service, name) => {
  const { credit, expires } = context.options;
  const json = defined({
    name,
    credit,
    expires_at: expires,
    credit_expires_at: context.options['credit-expires'],
  }) satisfies z.input<typeof NewInvitationSchema>;
  const made = await service.json<MadeInvitation>('/v1/invitations', { method: 'POST', json });
  context.print(
    made,
    `${made.url}\n\nThis link is shown once and works once, until ${shortTime(made.expires_at)} UTC. ` +
      `Its id is ${made.id}.\n`,
  );
};

/** `onestep accounts invitations`: every one, with what has become of it. */
export const invitations: AccountsAction = async (context, service) => {
  const { results } = await service.json<{ results: readonly Invitation[] }>('/v1/invitations');
  const table = formatTable(
    ['id', 'state', '>credit', 'until (UTC)', 'account', 'name'],
    results.map((one) => [
      one.id,
      one.state,
      formatUsd(microUsd(one.credit)),
      shortTime(one.expires_at),
      one.account ?? '–',
      oneLine(one.name, 40),
    ]),
  );
  context.print(results, results.length === 0 ? 'No invitations yet.\n' : table);
};

/** `onestep accounts revoke ID` */
export const revoke: AccountsAction = async (context, service, id) => {
  const path = `/v1/invitations/${encodeURIComponent(id)}/revoke`;
  const { state, account, ...one } = await service.json<Invitation>(path, { method: 'POST' });
  const report =
    state === 'used'
      ? `${one.id} was used before: it made ${account}. To shut that out: onestep accounts disable ${account}.\n`
      : `Revoked ${one.id}: its link no longer works.\n`;
  context.print({ ...one, state, account }, report);
};
