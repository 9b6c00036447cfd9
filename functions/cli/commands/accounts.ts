import { z } from 'zod';
import type { AccountSchema } from '#functions/api/account/account-schema.ts';
import { chooseAction } from '#functions/cli/choose-action.ts';
import { SERVICE_OPTIONS, withOperatorService } from '#functions/cli/client/service.ts';
import { defineCommand } from '#functions/cli/command.ts';
import { AppError } from '#shared/core/errors.ts';

/** What each action has done, for a person. */
const ACTIONS = {
  disable: (id: string) =>
    `Disabled ${id}: its keys are refused within 60 seconds; running jobs end.\n`,
  enable: (id: string) => `Enabled ${id}: its keys work again within 60 seconds.\n`,
};

export const accounts = defineCommand({
  summary: 'shut an account out, or let it in again',
  usage: 'disable ID | enable ID [options]',
  options: SERVICE_OPTIONS,
  positionals: z.array(z.string()).max(2, 'accounts takes an action and an id'),
  examples: [
    'onestep accounts disable acc_01k9z6n3v5r8q2w4x7y1t0s6pd',
    'onestep accounts enable acc_01k9z6n3v5r8q2w4x7y1t0s6pd',
  ],
  async run(context) {
    const [action = '', id] = context.positionals;
    const report = chooseAction('accounts', ACTIONS, action);
    if (id === undefined) {
      throw new AppError(
        'invalid-request',
        `Say which account: onestep accounts ${action} ID. "onestep credits balance" shows the ids.`,
      );
    }
    const path = `/v1/accounts/${encodeURIComponent(id)}/${action}`;
    const account = await withOperatorService(context, (service) =>
      service.json<z.infer<typeof AccountSchema>>(path, { method: 'POST' }),
    );
    context.print(account, report(account.id));
  },
});
