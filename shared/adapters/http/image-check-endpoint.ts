import { z } from 'zod';
import type { ImageCheck, ImageToCheck } from '#shared/ports/image-check.ts';

const TIMEOUT_MS = 15_000;

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
  timeoutMs: number = TIMEOUT_MS,
): ImageCheck {
  return async (image) => {
    const answer = await send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(toJson(image)),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!answer.ok) throw new Error(`${new URL(url).host} answered with ${answer.status}`);
    return ImageVerdictSchema.parse(await answer.json());
  };
}

function toJson({ bytes, ...facts }: ImageToCheck): object {
  return { ...facts, image: Buffer.from(bytes).toString('base64') };
}
