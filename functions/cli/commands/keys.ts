import { COMMON_SERVICE_OPTIONS, text, withAdmin } from '#functions/cli/admin-command.ts';
import { formatTable, oneLine } from '#functions/cli/client/table.ts';
import type { Command, CommandContext } from '#functions/cli/command.ts';
import { didYouMean } from '#functions/cli/nearest.ts';
import { AppError } from '#shared/core/errors.ts';
import { formatUsd, microUsd, parseUsd } from '#shared/core/money.ts';

interface Key {
  readonly id: string;
  readonly label: string;
  readonly scopes: readonly string[];
  readonly rate_per_minute: number;
  readonly day_cap: number | null;
  readonly month_cap: number | null;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  readonly key?: string;
}

export const keys: Command = {
  summary: 'make, list, rotate and revoke API keys',
  usage: 'list | create | rotate ID | revoke ID [options]',
  options: {
    ...COMMON_SERVICE_OPTIONS,
    label: { type: 'string', value: 'TEXT', help: 'create: what the key is for' },
    scopes: {
      type: 'string',
      value: 'LIST',
      help: 'create: of predict, read, admin; default: predict,read',
    },
    rate: { type: 'string', value: 'N', help: 'create: requests a minute; default: 600' },
    'day-cap': { type: 'string', value: 'USD', help: 'create: the most to spend in a day' },
    'month-cap': { type: 'string', value: 'USD', help: 'create: the most to spend in a month' },
    expires: { type: 'string', value: 'DATE', help: 'create: when it stops working' },
    overlap: {
      type: 'string',
      value: 'SECONDS',
      help: 'rotate: how long the old key works on; default: 86400',
    },
  },
  examples: [
    'onestep keys create --label "for the shop" --day-cap 5',
    'onestep keys rotate 0a1B2c3D4e5F6g7H --overlap 3600',
    'onestep keys list --json',
  ],
  run,
};

async function run(context: CommandContext): Promise<void> {
  const [action = 'list', id] = context.positionals;
  await withAdmin(context, async (admin) => {
    if (action === 'list') {
      const path = `/v1/keys${accountQuery(context)}`;
      const { results } = await admin.call<{ results: readonly Key[] }>('GET', path);
      print(context, results, keyTable(results));
      return;
    }
    if (action === 'create') {
      const key = await admin.call<Key>('POST', '/v1/keys', newKey(context));
      print(context, key, issued(key));
      return;
    }
    if ((action !== 'rotate' && action !== 'revoke') || id === undefined) {
      throw new AppError('invalid-request', wrongAction(action));
    }
    const path = `/v1/keys/${encodeURIComponent(id)}/${action}${accountQuery(context)}`;
    const overlap = text(context, 'overlap');
    const body =
      action === 'rotate' && overlap !== undefined
        ? { overlap_seconds: Number(overlap) }
        : undefined;
    const key = await admin.call<Key>('POST', path, body);
    print(context, key, action === 'rotate' ? issued(key) : `Revoked ${key.id}.\n`);
  });
}

function newKey(context: CommandContext): unknown {
  const rate = text(context, 'rate');
  const expires = text(context, 'expires');
  if (expires !== undefined && Number.isNaN(Date.parse(expires))) {
    throw new AppError('invalid-request', `--expires: "${expires}" is no date such as 2027-01-31.`);
  }
  return {
    label: text(context, 'label') ?? '',
    ...(text(context, 'scopes') === undefined
      ? {}
      : {
          scopes: text(context, 'scopes')
            ?.split(',')
            .map((scope) => scope.trim()),
        }),
    ...(rate === undefined ? {} : { rate_per_minute: Number(rate) }),
    ...cap(context, 'day-cap', 'day_cap'),
    ...cap(context, 'month-cap', 'month_cap'),
    ...(expires === undefined ? {} : { expires_at: new Date(expires).toISOString() }),
    ...(text(context, 'account') === undefined ? {} : { account: text(context, 'account') }),
  };
}

function cap(context: CommandContext, option: string, name: string): Record<string, number> {
  const given = text(context, option);
  if (given === undefined) return {};
  const amount = parseUsd(given);
  if (amount === undefined) {
    throw new AppError(
      'invalid-request',
      `--${option}: "${given}" is no amount such as 5 or 0.25.`,
    );
  }
  return { [name]: amount };
}

function accountQuery(context: CommandContext): string {
  const account = text(context, 'account');
  return account === undefined ? '' : `?account=${encodeURIComponent(account)}`;
}

function wrongAction(action: string): string {
  if (action === 'rotate' || action === 'revoke') {
    return `Say which key: onestep keys ${action} ID. "onestep keys list" shows the ids.`;
  }
  const meant = didYouMean(action, ['list', 'create', 'rotate', 'revoke'], 'onestep keys ');
  return `keys has no "${action}".${meant} It takes ${keys.usage}.`;
}

/** The keys, each with what it may do, what it may spend and how it stands. */
export function keyTable(keys: readonly Key[]): string {
  const cap = (amount: number | null) => (amount === null ? '–' : formatUsd(microUsd(amount)));
  return formatTable(
    [
      { title: 'id' },
      { title: 'scopes' },
      { title: 'per minute', right: true },
      { title: 'per day', right: true },
      { title: 'per month', right: true },
      { title: 'state' },
      { title: 'label' },
    ],
    keys.map((key) => [
      key.id,
      key.scopes.join(','),
      String(key.rate_per_minute),
      cap(key.day_cap),
      cap(key.month_cap),
      stateOf(key),
      oneLine(key.label, 40),
    ]),
  );
}

function stateOf({ revoked_at, expires_at }: Key): string {
  if (revoked_at !== null) return `revoked ${minute(revoked_at)}`;
  return expires_at === null ? 'in force' : `until ${minute(expires_at)}`;
}

const minute = (iso: string): string => iso.slice(0, 16).replace('T', ' ');

function issued(key: Key): string {
  return `${key.key}\n\nThis is shown once. Its id is ${key.id}.\n`;
}

function print(context: CommandContext, json: unknown, words: string): void {
  context.stdout.write(context.values['json'] === true ? `${JSON.stringify(json)}\n` : words);
}
