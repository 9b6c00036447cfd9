import { createHmac } from 'node:crypto';
import { parseMacKeys } from '#shared/adapters/aws/secret-keys.ts';
import type { Clock } from '#shared/core/clock.ts';
import type { RandomBytes } from '#shared/core/ids.ts';
import { createEdgeApp } from './app.ts';
import type { EdgeConfig } from './config.ts';
import {
  createOriginRequestHandler,
  type EdgePlatform,
  type OriginRequestEvent,
} from './origin-request.ts';

export interface EdgeWorld {
  readonly readSecret: (id: string) => Promise<string>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly onError: (error: unknown, what: string) => void;
}

/** The function over a world. The MAC keys are read at the first request, and again now and then. */
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

  return async (event: OriginRequestEvent) => {
    const secret = await world.readSecret(config.MAC_SECRET_ARN);
    if (known?.secret !== secret) known = { secret, handle: build(secret) };
    return known.handle(event);
  };
}
