import type { HttpClient } from '#functions/cli/client/http-client.ts';
import { SERVICE_OPTIONS } from '#functions/cli/client/service.ts';
import { type CommandContext, flag, option } from '#functions/cli/command.ts';
import { futureDate, usd } from '#functions/cli/option-types.ts';
import { MOST_CREDIT } from '#shared/core/money.ts';

/** What `onestep accounts` takes. */
export const ACCOUNTS_OPTIONS = {
  ...SERVICE_OPTIONS,
  credit: option('USD', 'invite: what the account starts with; default: nothing', usd(MOST_CREDIT)),
  'credit-expires': option(
    'DATE',
    'invite: when what is left of that expires, in UTC',
    futureDate(),
  ),
  yes: flag('delete: confirm that the account’s data is erased for good'),
  expires: option(
    'DATE',
    'invite: until when the link works, in UTC; default: 7 days',
    futureDate(),
  ),
};
type Context = CommandContext<typeof ACCOUNTS_OPTIONS>;

/** One of its actions; `word` is the id or the name that it is about. */
export type AccountsAction = (context: Context, service: HttpClient, word: string) => Promise<void>;
