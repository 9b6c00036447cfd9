import { z } from 'zod';
import type {
  AccountSchema,
  GrantSchema,
  LedgerEntrySchema,
} from '#functions/api/account/account-schema.ts';
import type { Statement } from '#functions/api/account/statement-schema.ts';
import { chooseAction } from '#functions/cli/choose-action.ts';
import type { HttpClient } from '#functions/cli/client/http-client.ts';
import { SERVICE_OPTIONS, withOperatorService } from '#functions/cli/client/service.ts';
import { formatTable, oneLine, shortTime } from '#functions/cli/client/table.ts';
import { type CommandContext, defineCommand, flag, option } from '#functions/cli/command.ts';
import { futureDate, month } from '#functions/cli/option-types.ts';
import { randomBytes } from '#functions/local/random-bytes.ts';
import { systemClock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { createUlid } from '#shared/core/ids.ts';
import { formatUsd, MOST_CREDIT, microUsd, parseUsd } from '#shared/core/money.ts';

/** What the API gives on one page. */
const MAX_ENTRIES = '1000';

type Account = z.infer<typeof AccountSchema>;
type LedgerEntry = z.infer<typeof LedgerEntrySchema>;
interface LedgerPage {
  readonly results: readonly LedgerEntry[];
  readonly next: string | null;
}

const OPTIONS = {
  ...SERVICE_OPTIONS,
  account: option('ID', "default: the key's own account; balance: all accounts"),
  reference: option('TEXT', 'grant: what paid for it; the same reference is granted once'),
  note: option('TEXT', 'grant: a note for the ledger'),
  expires: option('DATE', 'grant: when what is left of it expires, in UTC', futureDate()),
  month: option('MONTH', 'statement: such as 2026-11, in UTC; default: this month', month()),
  csv: flag('statement: print CSV, amounts in millionths of a dollar'),
};
type Context = CommandContext<typeof OPTIONS>;

const ACTIONS = {
  actions: { balance, grant, ledger, statement },
  takes: { grant: 'USD' },
  otherwise: 'balance',
};

export const credits = defineCommand({
  summary: 'see balances, the ledger and monthly statements, and grant credit',
  usage: 'balance | grant USD | ledger | statement [options]',
  options: OPTIONS,
  positionals: z.array(z.string()),
  examples: [
    'onestep credits balance',
    'onestep credits grant 25 --reference invoice-2026-117',
    'onestep credits ledger --json',
    'onestep credits statement --month 2026-11 --csv',
  ],
  run: (context) => {
    const [act, , amount] = chooseAction('credits', ACTIONS, context.positionals);
    if (act === grant) assertAmount(amount);
    return withOperatorService(context, (service) => act(context, service, amount ?? ''));
  },
});

async function balance(context: Context, service: HttpClient): Promise<void> {
  const { results } = await service.json<{ results: readonly Account[] }>('/v1/accounts');
  const { account } = context.options;
  const found = results.filter(({ id }) => account === undefined || id === account);
  if (account !== undefined && found.length === 0) {
    throw new AppError('not-found', `There is no account "${account}".`);
  }
  const table = formatTable(
    ['account', '>to spend', '>held', 'name'],
    found.map(({ id, name, balance, held }) => [
      id,
      formatUsd(microUsd(balance)),
      formatUsd(microUsd(held)),
      oneLine(name, 40),
    ]),
  );
  context.print(found, table);
}

async function ledger(context: Context, service: HttpClient): Promise<void> {
  const { account } = context.options;
  const entries: LedgerEntry[] = [];
  let query: string | undefined =
    `?${new URLSearchParams(defined({ limit: MAX_ENTRIES, account }))}`;
  while (query !== undefined) {
    const page: LedgerPage = await service.json(`/v1/ledger${query}`);
    entries.push(...page.results);
    query = page.next === null ? undefined : new URL(page.next).search;
  }
  context.print(entries, ledgerTable(entries));
}

/** Oldest first, so that the newest is next to the prompt of the shell. */
function ledgerTable(entries: readonly LedgerEntry[]): string {
  if (entries.length === 0) return 'No money has moved yet.\n';
  return formatTable(
    ['at (UTC)', 'kind', '>amount', 'for'],
    entries
      .toReversed()
      .map(({ at, kind, amount, prediction, reference }) => [
        shortTime(at),
        kind,
        formatUsd(microUsd(amount)),
        oneLine(prediction ?? reference ?? '', 60),
      ]),
  );
}

async function statement(context: Context, service: HttpClient): Promise<void> {
  const { account, month, csv, json } = context.options;
  if (csv && json) throw new AppError('invalid-request', 'Choose one of --csv and --json.');
  const query = new URLSearchParams(defined({ account, month, format: csv ? 'csv' : undefined }));
  const answer = await service.text(`/v1/statement?${query}`);
  if (csv) context.stdout.write(answer);
  else context.print(JSON.parse(answer), statementTable(JSON.parse(answer)));
}

/** Each change between what there was and what that made. */
function statementTable({ from, to, opening, closing, lines }: Statement): string {
  const bound = (at: string, name: string, total: number) => [
    shortTime(at),
    name,
    '',
    formatUsd(microUsd(total)),
    '',
  ];
  return formatTable(
    ['at (UTC)', 'kind', '>change', '>total', 'for'],
    [
      bound(from, 'opening', opening),
      ...lines.map(({ at, kind, change, total, prediction, reference }) => [
        shortTime(at),
        kind,
        formatUsd(microUsd(change)),
        formatUsd(microUsd(total)),
        oneLine(prediction ?? reference ?? '', 60),
      ]),
      bound(to, 'closing', closing),
    ],
  );
}

function assertAmount(given: string | undefined) {
  if (given === undefined) {
    throw new AppError('invalid-request', 'Say how much: onestep credits grant 25');
  }
  const amount = parseUsd(given);
  if (amount === undefined || amount === 0) {
    throw new AppError(
      'invalid-request',
      `"${given}" is not an amount of dollars such as 25 or 0.5.`,
    );
  }
  if (amount <= MOST_CREDIT) return amount;
  throw new AppError(
    'invalid-request',
    `"${given}" is too much for one grant: the most is ${formatUsd(MOST_CREDIT)}.`,
  );
}

async function grant(context: Context, service: HttpClient, given: string): Promise<void> {
  const amount = assertAmount(given);
  const { note, account, expires } = context.options;
  const reference = context.options.reference ?? `cli-${createUlid(systemClock, randomBytes)}`;
  const json = defined({
    amount,
    reference,
    note,
    expires_at: expires,
    account,
  }) satisfies z.input<typeof GrantSchema>;
  const entry = await service.json<LedgerEntry>('/v1/credits', { method: 'POST', json });
  context.print(entry, `Granted ${formatUsd(amount)} (${reference}).\n`);
}
