import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Prediction } from '#functions/api/predictions/prediction-schema.ts';
import type { HttpClient } from '#functions/cli/client/http-client.ts';
import { AppError } from '#shared/core/errors.ts';

export interface PictureDeps {
  readonly client: HttpClient;
  readonly model: string;
  readonly now: () => number;
  readonly say: (line: string) => void;
  readonly sleep?: (ms: number) => Promise<unknown>;
}

const POLL_MS = 2_000;
/** A name that is minutes old is not known everywhere yet, nor has its API started before. */
const FIRST_ANSWER_MS = 5 * 60_000;
const ENDED = ['succeeded', 'failed', 'canceled'];

/**
 * Makes a picture as a customer would, and says what the service is at meanwhile.
 *
 * @throws AppError `unavailable` when it does not come in time, or the service says why it can't
 */
export async function firstPicture(deps: PictureDeps, timeoutMs: number): Promise<Uint8Array> {
  const { client, now } = deps;
  const began = now();
  let seen = await order(deps);
  let told = '';
  while (!ENDED.includes(seen.status)) {
    if (now() - began > timeoutMs) {
      const minutes = Math.round(timeoutMs / 60_000);
      throw new AppError(
        'unavailable',
        `No picture came within ${minutes} minutes; it is charged only if it does. Look at ${seen.id} with "onestep logs", then try "onestep smoke".`,
      );
    }
    const about = seen.eta_seconds === undefined ? '' : `, about ${seen.eta_seconds} s`;
    if (seen.phase !== undefined && seen.phase !== told) deps.say(`   ${seen.phase}${about}`);
    told = seen.phase ?? told;
    await (deps.sleep ?? pause)(POLL_MS);
    const { id } = seen;
    // A connection that breaks while an instance starts proves nothing: try again.
    seen = await client.json<Prediction>(`/v1/predictions/${id}`).catch(() => seen);
  }
  const [link] = seen.output ?? [];
  if (seen.status !== 'succeeded' || link === undefined) {
    throw new AppError('unavailable', `The picture ${seen.id} ${seen.status}: ${seen.error}.`);
  }
  const answer = await client.send(link);
  if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
  throw new AppError(
    'unavailable',
    `The picture ${seen.id} was made, and ${answer.status} is what its link answers.`,
  );
}

/** Orders a picture, once, from a service that may not answer yet. */
async function order(deps: PictureDeps): Promise<Prediction> {
  const { client, model, now, say } = deps;
  const began = now();
  const input = { prompt: 'a lighthouse on a cliff at dawn', seed: 1 };
  const idempotencyKey = randomUUID();
  const request = { method: 'POST', json: { model, input }, idempotencyKey } as const;
  let told = '';
  for (;;) {
    try {
      return await client.json<Prediction>('/v1/predictions', request);
    } catch (error) {
      const isNew = now() - began < FIRST_ANSWER_MS;
      if (!(error instanceof AppError) || error.code !== 'unavailable' || !isNew) throw error;
      if (error.message !== told) say(`   not yet: ${error.message}`);
      told = error.message;
      await (deps.sleep ?? pause)(POLL_MS);
    }
  }
}
