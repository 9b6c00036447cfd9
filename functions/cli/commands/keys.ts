import { z } from 'zod';
import type {
  IssuedKeySchema,
  KeySchema,
  NewKeySchema,
} from '#functions/api/account/account-schema.ts';
import { chooseAction } from '#functions/cli/choose-action.ts';
import type { HttpClient } from '#functions/cli/client/http-client.ts';
import { SERVICE_OPTIONS, withOperatorService } from '#functions/cli/client/service.ts';
import { formatTable, oneLine } from '#functions/cli/client/table.ts';
import { type CommandContext, defineCommand, option } from '#functions/cli/command.ts';
import { choice, futureDate, list, usd, whole } from '#functions/cli/option-types.ts';
import { SCOPES } from '#shared/core/account.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { formatUsd, microUsd } from '#shared/core/money.ts';

type Key = z.infer<typeof KeySchema>;
type IssuedKey = z.infer<typeof IssuedKeySchema>;

const OPTIONS = {
  ...SERVICE_OPTIONS,
  account: option('ID', "default: the key's own account"),
  label: option('TEXT', 'create: what the key is for'),
  scopes: option(
    'LIST',
    'create: of predict, read, admin; default: predict,read',
    list(choice(SCOPES)),
  ),
  rate: option('N', 'create: requests a minute; default: 600', whole(1, 10_000_000)),
  'day-cap': option('USD', 'create: the most to spend in a day', usd()),
  'month-cap': option('USD', 'create: the most to spend in a month', usd()),
  expires: option('DATE', 'create: when it stops working, in UTC', futureDate()),
  overlap: option(
    'SECONDS',
    'rotate: how long the old key keeps working; default: 86400',
    whole(0, 30 * 86_400),
  ),
};
type Context = CommandContext<typeof OPTIONS>;

const ACTIONS = {
  actions: { list: listKeys, create, rotate, revoke },
  takes: { rotate: 'ID', revoke: 'ID' },
  otherwise: 'list',
};

export const keys = defineCommand({
  summary: 'make, list, rotate and revoke API keys',
  usage: 'list | create | rotate ID | revoke ID [options]',
  options: OPTIONS,
  positionals: z.array(z.string()),
  examples: [
    'onestep keys create --label "for the shop" --day-cap 5',
    'onestep keys rotate 0a1B2c3D4e5F6g7H --overlap 3600',
    'ONESTEP_KEY=os_live_… onestep keys list --url https://images.example.com',
  ],
  run: (context) => {
    const [act, action, id = ''] = chooseAction('keys', ACTIONS, context.positionals);
    const isOfOne = act === rotate || act === revoke;
    if (isOfOne && id === '') {
      throw new AppError(
        'invalid-request',
        `Say which key: onestep keys ${action} ID. "onestep keys list" shows the ids.`,
      );
    }
    return withOperatorService(context, (service) => act(context, service, id));
  },
});

async function listKeys(context: Context, service: HttpClient): Promise<void> {
  const path = `/v1/keys${accountQuery(context)}`;
  const { results } = await service.json<{ results: readonly Key[] }>(path);
  context.print(results, keyTable(results));
}

async function create(context: Context, service: HttpClient): Promise<void> {
  const { options } = context;
  const json = defined({
    label: options.label,
    scopes: options.scopes,
    rate_per_minute: options.rate,
    day_cap: options['day-cap'],
    month_cap: options['month-cap'],
    expires_at: options.expires,
    account: options.account,
  }) satisfies z.input<typeof NewKeySchema>;
  issued(context, await service.json<IssuedKey>('/v1/keys', { method: 'POST', json }));
}

async function rotate(context: Context, service: HttpClient, id: string): Promise<void> {
  const path = `/v1/keys/${encodeURIComponent(id)}/rotate${accountQuery(context)}`;
  const json = defined({ overlap_seconds: context.options.overlap });
  issued(context, await service.json<IssuedKey>(path, { method: 'POST', json }));
}

async function revoke(context: Context, service: HttpClient, id: string): Promise<void> {
  const path = `/v1/keys/${encodeURIComponent(id)}/revoke${accountQuery(context)}`;
  const key = await service.json<Key>(path, { method: 'POST' });
  context.print(key, `Revoked ${key.id}.\n`);
}

function issued(context: Context, key: IssuedKey): void {
  context.print(key, `${key.key}\n\nThis is shown once. Its id is ${key.id}.\n`);
}

function accountQuery({ options: { account } }: Context): string {
  return account === undefined ? '' : `?account=${encodeURIComponent(account)}`;
}

/** The keys, each with what it may do, what it may spend and whether it works. */
function keyTable(keys: readonly Key[]): string {
  const cap = (amount: number | null) => (amount === null ? '–' : formatUsd(microUsd(amount)));
  return formatTable(
    ['id', 'scopes', '>per minute', '>per day', '>per month', 'state', 'label'],
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
