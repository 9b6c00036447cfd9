import { COMMON_SERVICE_OPTIONS, text, withAdmin } from '#functions/cli/admin-command.ts';
import { formatTable, oneLine } from '#functions/cli/client/table.ts';
import type { Command, CommandContext } from '#functions/cli/command.ts';
import { didYouMean } from '#functions/cli/nearest.ts';
import type { AdminClient } from '#functions/local/admin-client.ts';
import { randomBytes } from '#functions/local/random-bytes.ts';
import { systemClock } from '#shared/core/clock.ts';
import { AppError } from '#shared/core/errors.ts';
import { createUlid } from '#shared/core/ids.ts';
import { formatUsd, microUsd, parseUsd } from '#shared/core/money.ts';

/** What the API gives on one page. */
const MAX_ENTRIES = 1000;

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
    throw new AppError('invalid-request', wrongAction(action));
  });
}

async function balance(context: CommandContext, admin: AdminClient): Promise<void> {
  const { results } = await admin.call<{ results: readonly AccountView[] }>('GET', '/v1/accounts');
  const account = text(context, 'account');
  const shown = results.filter(({ id }) => account === undefined || id === account);
  if (account !== undefined && shown.length === 0) {
    throw new AppError('not-found', `There is no account "${account}".`);
  }
  const table = formatTable(
    [
      { title: 'account' },
      { title: 'to spend', right: true },
      { title: 'held', right: true },
      { title: 'name' },
    ],
    shown.map(({ id, name, balance, held }) => [
      id,
      formatUsd(microUsd(balance)),
      formatUsd(microUsd(held)),
      oneLine(name, 40),
    ]),
  );
  print(context, shown, table);
}

async function ledger(context: CommandContext, admin: AdminClient): Promise<void> {
  const account = text(context, 'account');
  const query = new URLSearchParams({
    limit: String(MAX_ENTRIES),
    ...(account === undefined ? {} : { account }),
  });
  const { results } = await admin.call<{ results: readonly EntryView[] }>(
    'GET',
    `/v1/ledger?${query}`,
  );
  print(context, results, ledgerTable(results));
}

/** Oldest first, so that the newest is next to the prompt of the shell. */
function ledgerTable(entries: readonly EntryView[]): string {
  if (entries.length === 0) return 'No money has moved yet.\n';
  return formatTable(
    [{ title: 'at (UTC)' }, { title: 'kind' }, { title: 'amount', right: true }, { title: 'for' }],
    entries
      .toReversed()
      .map(({ at, kind, amount, prediction, reference }) => [
        at.slice(0, 19).replace('T', ' '),
        kind,
        formatUsd(microUsd(amount)),
        oneLine(prediction ?? reference ?? '', 60),
      ]),
  );
}

function wrongAction(action: string): string {
  if (action === 'grant') return 'Say how much: onestep credits grant 25';
  const meant = didYouMean(action, ['balance', 'grant', 'ledger'], 'onestep credits ');
  return `credits has no "${action}".${meant} It takes ${credits.usage}.`;
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
