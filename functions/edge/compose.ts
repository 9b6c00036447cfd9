import { createSecretBound } from '#shared/adapters/aws/secret-bound.ts';
import { parseMacKeys } from '#shared/adapters/aws/secret-keys.ts';
import { CORS_HEADERS } from '#shared/adapters/http/cors.ts';
import type { Clock } from '#shared/core/clock.ts';
import { errorAnswer } from '#shared/core/error-body.ts';
import { AppError } from '#shared/core/errors.ts';
import type { RandomBytes } from '#shared/core/ids.ts';
import { createEdgeApp, createRequestId } from './app.ts';
import type { EdgeConfig } from './config.ts';
import {
  createOriginRequestHandler,
  type OriginRequestEvent,
  type Passage,
  toCloudFrontResponse,
} from './origin-request.ts';
import { SHOWN_BYTES } from './verified-image.ts';

/** What the edge function is given: its secret, time and randomness. */
export interface Platform {
  readonly readSecret: (id: string) => Promise<string>;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly onError: (error: unknown, what: string) => void;
}

const UNREADABLE = new AppError(
  'invalid-request',
  'The address or a header has characters that HTTP does not allow.',
);
const NOT_READY = new AppError('unavailable', 'The service is not ready. Try again.', {
  details: { retry_after: 1 },
});

/** The function over a platform, with the MAC keys that are current. */
export function composeEdge(config: EdgeConfig, platform: Platform) {
  const refuse = (error: AppError): Response => {
    const { status, headers, body } = errorAnswer(error, createRequestId(platform));
    return new Response(body, { status, headers: { ...headers, ...CORS_HEADERS } });
  };

  const build = (secret: string) => {
    const app = createEdgeApp({
      config: { ...config, MAX_IMAGE_BYTES: SHOWN_BYTES },
      macKeys: parseMacKeys(secret),
      clock: platform.clock,
      randomBytes: platform.randomBytes,
      forward: (_request, forwarded, passage) => {
        (passage as Passage).forwarded = forwarded;
        return new Response(null);
      },
      onError: platform.onError,
    });
    return createOriginRequestHandler({
      fetch: (request, passage) => app.fetch(request, passage),
      answerUnreadable: () => refuse(UNREADABLE),
      tellsAddress: config.X402 === '1',
      ...(config.PUBLIC_HOST === undefined ? {} : { publicHost: config.PUBLIC_HOST }),
    });
  };

  const current = createSecretBound({
    read: () => platform.readSecret(config.MAC_SECRET_ARN),
    make: build,
    onError: platform.onError,
  });

  return async (event: OriginRequestEvent) => {
    let handle: ReturnType<typeof build>;
    try {
      handle = await current();
    } catch (error) {
      platform.onError(error, 'reading the MAC keys');
      return toCloudFrontResponse(refuse(NOT_READY));
    }
    return handle(event);
  };
}
