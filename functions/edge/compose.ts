import { createHmac } from 'node:crypto';
import { parseMacKeys } from '#shared/adapters/aws/secret-keys.ts';
import { CORS_HEADERS } from '#shared/adapters/http/cors.ts';
import type { Clock } from '#shared/core/clock.ts';
import { errorAnswer, refusal } from '#shared/core/error-body.ts';
import type { RandomBytes } from '#shared/core/ids.ts';
import { createEdgeApp, createRequestId } from './app.ts';
import type { EdgeConfig } from './config.ts';
import {
  createOriginRequestHandler,
  type EdgePlatform,
  type OriginRequestEvent,
  toCloudFrontResponse,
} from './origin-request.ts';

export interface EdgeWorld {
  readonly readSecret: (id: string) => Promise<string>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly onError: (error: unknown, what: string) => void;
}

const NOT_READY = refusal('unavailable', 'The service is not ready. Try again.', {
  retry_after: 1,
});

/**
 * The function over a world. The MAC keys are read at the first request, and again now and then; while
 * they can't be read or understood, those known so far serve on.
 */
export function composeEdge(config: EdgeConfig, world: EdgeWorld) {
  let known: { readonly secret: string; readonly handle: ReturnType<typeof build> } | undefined;

  const build = (secret: string) => {
    const app = createEdgeApp({
      config,
      hmac: (key, data) => new Uint8Array(createHmac('sha256', key).update(data).digest()),
      macKeys: parseMacKeys(secret),
      clock: world.clock,
      randomBytes: world.randomBytes,
      forward: (_request, forwarded, platform) => {
        (platform as EdgePlatform).forwarded = forwarded;
        return new Response(null);
      },
      onError: world.onError,
    });
    return createOriginRequestHandler({
      fetch: (request, platform) => app.fetch(request, platform),
      maxBodyBytes: config.MAX_BODY_BYTES,
      ...(config.PUBLIC_HOST === undefined ? {} : { publicHost: config.PUBLIC_HOST }),
    });
  };

  const refresh = async (): Promise<void> => {
    try {
      const secret = await world.readSecret(config.MAC_SECRET_ARN);
      if (known?.secret !== secret) known = { secret, handle: build(secret) };
    } catch (error) {
      world.onError(error, 'reading the MAC keys');
    }
  };

  return async (event: OriginRequestEvent) => {
    await refresh();
    if (known !== undefined) return known.handle(event);
    const { status, headers, body } = errorAnswer(NOT_READY, createRequestId(world));
    const init = { status, headers: { ...headers, ...CORS_HEADERS } };
    return toCloudFrontResponse(new Response(body, init));
  };
}
