import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';
import type { DeliverySchema } from '#functions/api/webhooks/webhook-schema.ts';
import type { HttpClient } from '#functions/cli/client/http-client.ts';

type Delivery = z.infer<typeof DeliverySchema>;

export interface SmokeDeps {
  /** Of the service, with a key that may predict and read. */
  readonly client: HttpClient;
  readonly now: () => number;
  readonly sleep?: (ms: number) => Promise<unknown>;
  readonly say: (line: string) => void;
}

export interface SmokeInput {
  /** The Function URL behind CloudFront, which must refuse; not tried where absent. */
  readonly functionUrl?: string;
  /** A receiver of webhooks that the service can reach; none is tried where absent. */
  readonly webhookUrl?: string;
  /** How long to wait for a cold endpoint. */
  readonly timeoutMs: number;
}

export interface SmokeCheck {
  readonly check: string;
  readonly ok: boolean;
  readonly says: string;
}

const POLL_MS = 2_000;

/**
 * Uses a service as a customer would: who may come in, a cold image and a warm one, the charge, the
 * webhook. It costs two images.
 *
 * @throws AppError `unavailable` when the service cannot be reached at all
 */
export async function smoke(deps: SmokeDeps, input: SmokeInput): Promise<readonly SmokeCheck[]> {
  const checks: SmokeCheck[] = [];
  const add = (check: string, ok: boolean, says: string) => {
    checks.push({ check, ok, says });
    deps.say(`${ok ? 'ok  ' : 'FAIL'} ${check}: ${says}`);
  };
  await checkAccess(deps, input, add);
  const { balance: before, says } = await readBalance(deps);
  add('API key', before !== undefined, says);
  if (before === undefined) return checks;

  const cold = await predict(deps, input, input.webhookUrl);
  add('first image', cold.ok, cold.says);
  if (!cold.ok) return checks;
  const warm = await predict(deps, input);
  add('second image', warm.ok, warm.says);

  const { balance: after = before } = await readBalance(deps);
  const charged = before - after;
  const expected = cold.cost + warm.cost;
  add('usage', charged === expected, `charged ${charged} micro-USD, the images cost ${expected}`);
  if (input.webhookUrl !== undefined) await checkWebhook(deps, cold.id, add);
  return checks;
}

type Add = (check: string, ok: boolean, says: string) => void;

/** Whether the service refuses a caller without a key, and one that goes around CloudFront. */
async function checkAccess({ client }: SmokeDeps, input: SmokeInput, add: Add): Promise<void> {
  const health = await client.send('/healthz', { anonymous: true });
  add('health', health.ok, `${health.status}`);
  const strange = await client.send('/v1/predictions', {
    method: 'POST',
    json: {},
    anonymous: true,
  });
  add('no key', strange.status === 401, `${strange.status}, must be 401`);
  if (input.functionUrl === undefined) return;
  const direct = await client.send(input.functionUrl);
  add('past CloudFront', direct.status === 403, `${direct.status}, must be 403`);
}

async function readBalance({ client }: SmokeDeps) {
  try {
    const { balance } = await client.json<{ balance: number }>('/v1/account');
    return { balance, says: `balance ${balance} micro-USD` };
  } catch (error) {
    return { balance: undefined, says: (error as Error).message };
  }
}

interface Predicted {
  readonly ok: boolean;
  readonly says: string;
  readonly id: string;
  readonly cost: number;
}

async function predict(deps: SmokeDeps, input: SmokeInput, webhook?: string): Promise<Predicted> {
  const started = deps.now();
  const json = {
    input: { prompt: 'a lighthouse on a cliff at dawn', seed: 1 },
    ...(webhook === undefined ? {} : { webhook, webhook_events_filter: ['completed'] }),
  };
  let ended: Prediction;
  try {
    const path = '/v1/predictions';
    const created = await deps.client.json<Prediction>(path, { method: 'POST', json });
    ended = await untilEnded(deps, input, created, started);
  } catch (error) {
    return { ok: false, says: (error as Error).message, id: '', cost: 0 };
  }
  const seconds = ((deps.now() - started) / 1000).toFixed(1);
  const failed = (says: string): Predicted => ({ ok: false, says, id: ended.id, cost: 0 });
  if (ended.status !== 'succeeded') {
    return failed(`${ended.status} after ${seconds} s: ${ended.error}`);
  }
  const [link] = ended.output ?? [];
  if (link === undefined) return failed('succeeded without an image');
  const image = await deps.client.send(link);
  const bytes = new Uint8Array(await image.arrayBuffer());
  if (!image.ok || !isPng(bytes)) return failed(`the image answered ${image.status}, or is no PNG`);
  const says = `${seconds} s, ${bytes.length} bytes`;
  return { ok: true, says, id: ended.id, cost: ended.cost ?? 0 };
}

async function untilEnded(
  deps: SmokeDeps,
  input: SmokeInput,
  created: Prediction,
  started: number,
): Promise<Prediction> {
  let prediction = created;
  while (!['succeeded', 'failed', 'canceled'].includes(prediction.status)) {
    if (deps.now() - started > input.timeoutMs) return { ...prediction, error: 'timed out' };
    await (deps.sleep ?? sleep)(POLL_MS);
    // A connection that breaks while an instance starts proves nothing: try again.
    const path = `/v1/predictions/${created.id}`;
    prediction = await deps.client.json<Prediction>(path).catch(() => prediction);
  }
  return prediction;
}

/** The receiver is not ours to ask: what counts is the 2xx that the delivery log has of it. */
async function checkWebhook(deps: SmokeDeps, id: string, add: Add): Promise<void> {
  const path = `/v1/predictions/${id}/webhooks`;
  for (let attempt = 0; attempt < 30; attempt++) {
    const { results } = await deps.client
      .json<{ results: readonly Delivery[] }>(path)
      .catch(() => ({ results: [] }));
    if (results.some(({ status }) => status === 'delivered')) {
      return add('webhook', true, 'delivered');
    }
    await (deps.sleep ?? sleep)(POLL_MS);
  }
  add('webhook', false, 'not delivered within a minute: see the delivery log and the receiver');
}

function isPng(bytes: Uint8Array): boolean {
  return [0x89, 0x50, 0x4e, 0x47].every((byte, index) => bytes[index] === byte);
}
