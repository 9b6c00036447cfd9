import { z } from 'zod';
import type { AccountSchema } from '#functions/api/account/account-schema.ts';
import { invitations, invite, revoke } from '#functions/cli/accounts/invitations.ts';
import { ACCOUNTS_OPTIONS, type AccountsAction } from '#functions/cli/accounts/options.ts';
import { chooseAction } from '#functions/cli/choose-action.ts';
import { withOperatorService } from '#functions/cli/client/service.ts';
import { defineCommand } from '#functions/cli/command.ts';
import { AppError } from '#shared/core/errors.ts';

/** What each action has done, for a person. */
const REPORTS = {
  disable: (id: string) =>
    `Disabled ${id}: its keys are refused within 60 seconds; running jobs end.\n`,
  enable: (id: string) => `Enabled ${id}: its keys work again within 60 seconds.\n`,
};
/** What an action is about, where it needs to be told. */
const NEEDS: Readonly<Record<string, readonly [what: string, word: string, where: string]>> = {
  disable: ['which account', 'ID', ' "onestep credits balance" shows the ids.'],
  enable: ['which account', 'ID', ' "onestep credits balance" shows the ids.'],
  delete: ['which account', 'ID --yes', ' "onestep credits balance" shows the ids.'],
  invite: ['what to call the account', 'NAME', ''],
  revoke: ['which invitation', 'ID', ' "onestep accounts invitations" shows the ids.'],
};
const actions: Readonly<Record<string, AccountsAction>> = {
  invite,
  invitations,
  revoke,
  disable: access('disable'),
  enable: access('enable'),
  delete: deleteAccount,
};

const takes = Object.fromEntries(
  Object.entries(NEEDS).map(([action, [, word]]) => [action, word.replace(' --yes', '')]),
);

export const accounts = defineCommand({
  summary: 'invite people to accounts; shut an account out, let it in again, or delete it',
  usage: 'invite NAME | invitations | revoke ID | disable ID | enable ID | delete ID [options]',
  options: ACCOUNTS_OPTIONS,
  positionals: z.array(z.string()),
  examples: [
    'onestep accounts invite "The shop" --credit 5',
    'onestep accounts revoke inv_01k9z6n3v5r8q2w4x7y1t0s6pd',
    'onestep accounts disable acc_01k9z6n3v5r8q2w4x7y1t0s6pd',
    'onestep accounts delete acc_01k9z6n3v5r8q2w4x7y1t0s6pd --yes',
  ],
  async run(context) {
    const given = context.positionals;
    const [act, action, word = ''] = chooseAction('accounts', { actions, takes }, given);
    const need = NEEDS[action];
    if (need !== undefined && word === '') {
      const [what, named, where] = need;
      throw new AppError(
        'invalid-request',
        `Say ${what}: onestep accounts ${action} ${named}.${where}`,
      );
    }
    await withOperatorService(context, (service) => act(context, service, word));
  },
});

async function deleteAccount(...[context, service, id]: Parameters<AccountsAction>) {
  if (!context.options.yes) {
    throw new AppError(
      'invalid-request',
      `This erases the predictions, images, keys and webhooks of ${id} for good; the ledger stays, and what is left of its balance with it: pay that back first. Say --yes.`,
    );
  }
  const path = `/v1/accounts/${encodeURIComponent(id)}`;
  const account = await service.json<z.infer<typeof AccountSchema>>(path, { method: 'DELETE' });
  context.print(
    account,
    `Deleted ${account.id}: its keys are refused within 60 seconds, and its data goes from now on.\n`,
  );
}

function access(action: keyof typeof REPORTS): AccountsAction {
  return async (context, service, id) => {
    const path = `/v1/accounts/${encodeURIComponent(id)}/${action}`;
    const account = await service.json<z.infer<typeof AccountSchema>>(path, { method: 'POST' });
    context.print(account, REPORTS[action](account.id));
  };
}
