import pRetry from 'p-retry';
import { z } from 'zod';
import type { ImageCheck, ImageToCheck } from '#shared/service/ports/image-check.ts';

const TIMEOUT_MS = 15_000;
/** A classifier that is away for a moment, such as during a restart, should fail no job. */
const RETRIES = 3;
const RETRY_MS = 500;

/** What a classifier answers. */
export const ImageVerdictSchema = z
  .object({ allowed: z.boolean(), reason: z.string().max(500).optional() })
  .transform(({ allowed, reason }) =>
    allowed
      ? ({ allowed: true } as const)
      : ({ allowed: false, reason: reason ?? 'The image check refused it.' } as const),
  );

/**
 * A classifier behind HTTP: it gets the image's facts and bytes (base64) as JSON by POST, and answers
 * `{"allowed": true}` or `{"allowed": false, "reason": "…"}`.
 */
export function createImageCheckEndpoint(
  url: string,
  send: typeof fetch = fetch,
  retryMs: number = RETRY_MS,
): ImageCheck {
  const ask = async (body: string) => {
    const answer = await send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!answer.ok) throw new Error(`${new URL(url).host} answered with ${answer.status}`);
    return ImageVerdictSchema.parse(await answer.json());
  };
  return (image) => {
    const body = JSON.stringify(toJson(image));
    return pRetry(() => ask(body), {
      retries: RETRIES,
      minTimeout: retryMs,
      // A refused connection is a TypeError of fetch, which is worth another try here.
      shouldRetry: () => true,
    });
  };
}

function toJson({ bytes, ...facts }: ImageToCheck): object {
  return { ...facts, image: Buffer.from(bytes).toString('base64') };
}
