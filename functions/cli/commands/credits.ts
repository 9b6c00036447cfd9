import { COMMON_SERVICE_OPTIONS, text, withAdmin } from '#functions/cli/admin-command.ts';
import type { Command, CommandContext } from '#functions/cli/command.ts';
import type { AdminClient } from '#functions/cli/serve/admin-client.ts';
import { randomBytes } from '#functions/cli/serve/crypto.ts';
import { systemClock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { createUlid } from '#shared/core/ids.ts';
import { formatUsd, microUsd, parseUsd } from '#shared/core/money.ts';

interface AccountView {
  readonly id: string;
  readonly name: string;
  readonly balance: number;
  readonly held: number;
}

interface EntryView {
  readonly id: string;
  readonly at: string;
  readonly kind: string;
  readonly amount: number;
  readonly prediction: string | null;
  readonly reference: string | null;
}

export const credits: Command = {
  summary: 'see balances and the ledger, and grant credit',
  usage: 'balance | grant USD | ledger [options]',
  options: {
    ...COMMON_SERVICE_OPTIONS,
    reference: {
      type: 'string',
      value: 'TEXT',
      help: 'grant: what paid for it; the same reference is granted once',
    },
    note: { type: 'string', value: 'TEXT', help: 'grant: words for the ledger' },
    expires: { type: 'string', value: 'DATE', help: 'grant: when what is left of it expires' },
  },
  examples: [
    'onestep credits balance',
    'onestep credits grant 25 --reference invoice-2026-117',
    'onestep credits ledger --json',
  ],
  run,
};

async function run(context: CommandContext): Promise<void> {
  const [action = 'balance', amount] = context.positionals;
  await withAdmin(context, async (admin) => {
    if (action === 'balance') return balance(context, admin);
    if (action === 'ledger') return ledger(context, admin);
    if (action === 'grant' && amount !== undefined) return grant(context, admin, amount);
    throw new AppError('invalid-request', `Say what to do: ${credits.usage}.`);
  });
}

async function balance(context: CommandContext, admin: AdminClient): Promise<void> {
  const { results } = await admin.call<{ results: readonly AccountView[] }>('GET', '/v1/accounts');
  const account = text(context, 'account');
  const shown = results.filter(({ id }) => account === undefined || id === account);
  const lines = shown.map(
    ({ id, name, balance, held }) =>
      `${id}  ${formatUsd(microUsd(balance))} to spend, ${formatUsd(microUsd(held))} held  ${name}\n`,
  );
  print(context, shown, lines.join(''));
}

async function ledger(context: CommandContext, admin: AdminClient): Promise<void> {
  const { results } = await admin.call<{ results: readonly EntryView[] }>(
    'GET',
    '/v1/ledger?limit=1000',
  );
  const lines = results.map(
    ({ at, kind, amount, prediction, reference }) =>
      `${at}  ${kind.padEnd(8)} ${formatUsd(microUsd(amount)).padStart(12)}  ${prediction ?? reference ?? ''}\n`,
  );
  print(context, results, lines.join(''));
}

async function grant(context: CommandContext, admin: AdminClient, given: string): Promise<void> {
  const amount = parseUsd(given);
  if (amount === undefined || amount === 0) {
    throw new AppError('invalid-request', `"${given}" is no amount of dollars such as 25 or 0.5.`);
  }
  const expires = text(context, 'expires');
  if (expires !== undefined && Number.isNaN(Date.parse(expires))) {
    throw new AppError('invalid-request', `--expires: "${expires}" is no date such as 2027-01-31.`);
  }
  const account = text(context, 'account');
  const note = text(context, 'note');
  const reference = text(context, 'reference') ?? `cli-${createUlid(systemClock, randomBytes)}`;
  const entry = await admin.call<EntryView>('POST', '/v1/credits', {
    amount,
    reference,
    ...(note === undefined ? {} : { note }),
    ...(expires === undefined ? {} : { expires_at: new Date(expires).toISOString() }),
    ...(account === undefined ? {} : { account }),
  });
  print(context, entry, `Granted ${formatUsd(amount)} (${reference}).\n`);
}

function print(context: CommandContext, json: unknown, words: string): void {
  context.stdout.write(context.values['json'] === true ? `${JSON.stringify(json)}\n` : words);
}
