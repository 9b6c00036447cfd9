import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '#shared/core/errors.ts';

export interface SmokeDeps {
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly sleep?: (ms: number) => Promise<unknown>;
  readonly say: (line: string) => void;
}

export interface SmokeInput {
  /** The deployment's address, without a slash at its end. */
  readonly url: string;
  /** The Function URL behind it, which must refuse; left out = not looked at. */
  readonly functionUrl?: string;
  /** A key that may predict and read. */
  readonly apiKey: string;
  /** A receiver of webhooks that the internet reaches; left out = no webhook is tried. */
  readonly webhookUrl?: string;
  /** How long a cold endpoint is waited for. */
  readonly timeoutMs: number;
}

export interface SmokeCheck {
  readonly check: string;
  readonly ok: boolean;
  readonly says: string;
}

const POLL_MS = 2_000;

const PredictionSchema = z.object({
  id: z.string(),
  status: z.string(),
  output: z.union([z.array(z.url()), z.null()]).optional(),
  error: z.unknown(),
  cost: z.number().nullish(),
});
type Prediction = z.infer<typeof PredictionSchema>;

/**
 * Uses a deployment as a customer would, against the real thing: who may come in, a cold image and a
 * warm one, the charge, the webhook. It costs two images.
 *
 * @throws AppError `unavailable` when the deployment cannot be reached at all
 */
export async function smoke(given: SmokeDeps, input: SmokeInput): Promise<readonly SmokeCheck[]> {
  const deps = { ...given, fetch: reaching(given.fetch) };
  const checks: SmokeCheck[] = [];
  const add = (check: string, ok: boolean, says: string) => {
    checks.push({ check, ok, says });
    deps.say(`${ok ? 'ok  ' : 'FAIL'} ${check}: ${says}`);
  };
  await checkDoors(deps, input, add);
  const before = await balance(deps, input);
  add(
    'Authorization through CloudFront',
    before !== undefined,
    before === undefined ? 'the key was not taken' : `balance ${before} micro-USD`,
  );
  if (before === undefined) return checks;

  const cold = await order(deps, input, input.webhookUrl);
  add('first image', cold.ok, cold.says);
  if (!cold.ok) return checks;
  const warm = await order(deps, input);
  add('second image', warm.ok, warm.says);

  const after = await balance(deps, input);
  const charged = before - (after ?? before);
  const expected = cold.cost + warm.cost;
  add('usage', charged === expected, `charged ${charged} micro-USD, the images cost ${expected}`);
  if (input.webhookUrl !== undefined) await checkWebhook(deps, input, cold.id, add);
  return checks;
}

/** Says who could not be reached, and why, in one sentence. */
function reaching(send: typeof fetch): typeof fetch {
  return async (target, init) => {
    try {
      return await send(target, init);
    } catch (error) {
      const { message, cause } = error as Error & {
        readonly cause?: { readonly message?: string };
      };
      const { origin } = new URL(String(target));
      throw new AppError(
        'unavailable',
        `${origin} cannot be reached: ${cause?.message ?? message}.`,
        { cause: error },
      );
    }
  };
}

type Add = (check: string, ok: boolean, says: string) => void;

/** Nobody without a key, and nobody past CloudFront. */
async function checkDoors(deps: SmokeDeps, input: SmokeInput, add: Add): Promise<void> {
  const health = await deps.fetch(`${input.url}/healthz`);
  add('health', health.ok, `${health.status}`);
  const strange = await deps.fetch(`${input.url}/v1/predictions`, post({}, undefined));
  add('no key', strange.status === 401, `${strange.status}, must be 401`);
  if (input.functionUrl === undefined) return;
  const direct = await deps.fetch(input.functionUrl);
  add('past CloudFront', direct.status === 403, `${direct.status}, must be 403`);
}

interface Ordered {
  readonly ok: boolean;
  readonly says: string;
  readonly id: string;
  readonly cost: number;
}

async function order(deps: SmokeDeps, input: SmokeInput, webhook?: string): Promise<Ordered> {
  const started = deps.now();
  const body = {
    input: { prompt: 'a lighthouse on a cliff at dawn', seed: 1 },
    ...(webhook === undefined ? {} : { webhook, webhook_events_filter: ['completed'] }),
  };
  const answer = await deps.fetch(`${input.url}/v1/predictions`, post(body, input.apiKey));
  const created = PredictionSchema.safeParse(await answer.json().catch(() => undefined));
  if (!created.success)
    return { ok: false, says: `create answered ${answer.status}`, id: '', cost: 0 };
  const ended = await untilEnded(deps, input, created.data, started);
  const seconds = ((deps.now() - started) / 1000).toFixed(1);
  const failed = (says: string): Ordered => ({ ok: false, says, id: ended.id, cost: 0 });
  if (ended.status !== 'succeeded') {
    return failed(`${ended.status} after ${seconds} s: ${JSON.stringify(ended.error ?? null)}`);
  }
  const [link] = ended.output ?? [];
  if (link === undefined) return failed('succeeded without an image');
  const image = await deps.fetch(link);
  const bytes = new Uint8Array(await image.arrayBuffer());
  if (!image.ok || !isPng(bytes)) return failed(`the image answered ${image.status}, or is no PNG`);
  return {
    ok: true,
    says: `${seconds} s, ${bytes.length} bytes`,
    id: ended.id,
    cost: ended.cost ?? 0,
  };
}

async function untilEnded(
  deps: SmokeDeps,
  input: SmokeInput,
  created: Prediction,
  started: number,
): Promise<Prediction> {
  let prediction = created;
  while (!['succeeded', 'failed', 'canceled'].includes(prediction.status)) {
    if (deps.now() - started > input.timeoutMs)
      return { ...prediction, error: 'timed out waiting' };
    await (deps.sleep ?? sleep)(POLL_MS);
    // A connection that breaks while an instance starts is no verdict: the next look may find it.
    const path = `${input.url}/v1/predictions/${created.id}`;
    const answer = await deps.fetch(path, get(input.apiKey)).catch(() => undefined);
    const parsed = PredictionSchema.safeParse(await answer?.json().catch(() => undefined));
    if (parsed.success) prediction = parsed.data;
  }
  return prediction;
}

const AccountSchema = z.object({ balance: z.number() });

async function balance(deps: SmokeDeps, input: SmokeInput): Promise<number | undefined> {
  const answer = await deps.fetch(`${input.url}/v1/account`, get(input.apiKey));
  const parsed = AccountSchema.safeParse(await answer.json().catch(() => undefined));
  return answer.ok && parsed.success ? parsed.data.balance : undefined;
}

const DeliveriesSchema = z.object({
  results: z.array(z.object({ status: z.string().optional(), delivered_at: z.string().nullish() })),
});

/** The receiver is somebody else's: what counts is that it answered with 2xx, as the log says. */
async function checkWebhook(
  deps: SmokeDeps,
  input: SmokeInput,
  id: string,
  add: Add,
): Promise<void> {
  const path = `${input.url}/v1/predictions/${id}/webhooks`;
  for (let attempt = 0; attempt < 30; attempt++) {
    const answer = await deps.fetch(path, get(input.apiKey));
    const parsed = DeliveriesSchema.safeParse(await answer.json().catch(() => undefined));
    const delivered = parsed.data?.results.some(
      ({ status, delivered_at }) => status === 'delivered' || typeof delivered_at === 'string',
    );
    if (delivered === true) return add('webhook', true, 'delivered');
    await (deps.sleep ?? sleep)(POLL_MS);
  }
  add('webhook', false, 'not delivered within a minute: see the delivery log and the receiver');
}

function isPng(bytes: Uint8Array): boolean {
  return [0x89, 0x50, 0x4e, 0x47].every((byte, index) => bytes[index] === byte);
}

function get(apiKey: string): RequestInit {
  return { headers: { authorization: `Bearer ${apiKey}` } };
}

function post(body: unknown, apiKey: string | undefined): RequestInit {
  return {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify(body),
  };
}
