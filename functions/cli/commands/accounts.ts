import { COMMON_SERVICE_OPTIONS, withAdmin } from '#functions/cli/admin-command.ts';
import type { Command, CommandContext } from '#functions/cli/command.ts';
import { didYouMean } from '#functions/cli/nearest.ts';
import { AppError } from '#shared/core/errors.ts';

export const accounts: Command = {
  summary: 'shut an account out, or let it in again',
  usage: 'disable ID | enable ID [options]',
  options: { data: COMMON_SERVICE_OPTIONS.data },
  examples: [
    'onestep accounts disable acc_01k9z6n3v5r8q2w4x7y1t0s6pd',
    'onestep accounts enable acc_01k9z6n3v5r8q2w4x7y1t0s6pd',
  ],
  run,
};

async function run(context: CommandContext): Promise<void> {
  const [action = '', id] = context.positionals;
  if ((action !== 'disable' && action !== 'enable') || id === undefined) {
    throw new AppError('invalid-request', wrongAction(action));
  }
  await withAdmin(context, async (admin) => {
    const path = `/v1/accounts/${encodeURIComponent(id)}/${action}`;
    const account = await admin.call<{ id: string }>('POST', path);
    const words =
      action === 'disable'
        ? `Disabled ${account.id}: its keys are refused within 60 seconds; running jobs end.\n`
        : `Enabled ${account.id}: its keys work again within 60 seconds.\n`;
    context.stdout.write(context.values['json'] === true ? `${JSON.stringify(account)}\n` : words);
  });
}

function wrongAction(action: string): string {
  if (action === 'disable' || action === 'enable') {
    return `Say which account: onestep accounts ${action} ID. "onestep credits balance" shows the ids.`;
  }
  const meant = didYouMean(action, ['disable', 'enable'], 'onestep accounts ');
  return `accounts has no "${action}".${meant} It takes ${accounts.usage}.`;
}
