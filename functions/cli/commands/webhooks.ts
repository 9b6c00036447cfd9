import { z } from 'zod';
import type {
  AccountHookSchema,
  DeliveryDetailsSchema,
} from '#functions/api/webhooks/webhook-schema.ts';
import { chooseAction } from '#functions/cli/choose-action.ts';
import type { HttpClient } from '#functions/cli/client/http-client.ts';
import { connectService, SERVICE_OPTIONS } from '#functions/cli/client/service.ts';
import { type CommandContext, defineCommand, option } from '#functions/cli/command.ts';
import { choice, list, usd } from '#functions/cli/option-types.ts';
import { ACCOUNT_EVENTS } from '#shared/core/account-hook.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { formatUsd, microUsd } from '#shared/core/money.ts';

type Hook = z.infer<typeof AccountHookSchema>;
type Delivery = z.infer<typeof DeliveryDetailsSchema>;

const OPTIONS = {
  ...SERVICE_OPTIONS,
  events: option(
    'LIST',
    `set: of ${ACCOUNT_EVENTS.join(', ')}; default: all`,
    list(choice(ACCOUNT_EVENTS)),
  ),
  'low-balance': option('USD', 'set: what balance.low is sent below; default: 1', usd()),
};
type Context = CommandContext<typeof OPTIONS>;
type Act = (context: Context, service: HttpClient, url: string | undefined) => Promise<void>;

const PATH = '/v1/webhooks/account';
/** How long a test's answer is waited for. */
const TEST_MS = 20_000;

const actions: Readonly<Record<string, Act>> = {
  async show({ print }, service) {
    const hook = await service.json<Hook>(PATH);
    print(hook, describe(hook));
  },

  async set({ options, print }, service, url) {
    if (url === undefined) {
      throw new AppError('invalid-request', 'Say where to: onestep webhooks set URL.');
    }
    const json = {
      url,
      ...defined({ events: options.events, low_balance: options['low-balance'] }),
    };
    const hook = await service.json<Hook>(PATH, { method: 'PUT', json });
    print(hook, describe(hook));
  },

  async remove({ print }, service) {
    await service.text(PATH, { method: 'DELETE' });
    print({ removed: true }, 'Removed: the account is told of nothing more.\n');
  },

  async test({ print }, service, url) {
    const { id } = await service.json<Delivery>('/v1/webhooks/test', {
      method: 'POST',
      json: defined({ url }),
    });
    const sent = await ended(service, id);
    const { status = null, failure = null } = sent.log.at(-1) ?? {};
    const answer = failure ?? (status === null ? 'not sent yet' : `answered ${status}`);
    print(sent, `${sent.url}: ${sent.status}, ${answer}\n`);
    if (sent.status !== 'delivered') {
      throw new AppError('unavailable', `The test event did not reach ${sent.url}: ${answer}.`);
    }
  },
};

const ACTIONS = { actions, takes: { set: 'URL', test: 'URL' } };

export const webhooks = defineCommand({
  summary: "where the account's own events go; test a receiver",
  usage: 'show | set URL | remove | test [URL] [options]',
  options: OPTIONS,
  positionals: z.array(z.string()),
  examples: [
    'onestep webhooks set https://shop.example.com/account --low-balance 5',
    'onestep webhooks test https://shop.example.com/hook',
  ],
  async run(context) {
    const [act, , url] = chooseAction('webhooks', ACTIONS, context.positionals);
    await act(context, await connectService(context), url);
  },
});

function describe({ url, events, low_balance }: Hook): string {
  return `${url}\nevents       ${events.join(', ')}\nlow balance  ${formatUsd(microUsd(low_balance))}\n`;
}

async function ended(service: HttpClient, id: string): Promise<Delivery> {
  const until = Date.now() + TEST_MS;
  for (;;) {
    const delivery = await service.json<Delivery>(`/v1/webhooks/deliveries/${id}`);
    if (delivery.status !== 'pending' || Date.now() > until) return delivery;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
