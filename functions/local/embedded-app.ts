import { createHmac } from 'node:crypto';
import type { Hono } from 'hono';
import { createApiApp } from '#functions/api/app.ts';
import type { ApiDeps, ApiSettings } from '#functions/api/http/deps.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { createEdgeApp } from '#functions/edge/app.ts';
import { createTokenBucketRateLimiter } from '#shared/adapters/memory/token-bucket-rate-limiter.ts';
import { defined } from '#shared/core/defined.ts';
import type { Forwarded } from '#shared/core/forwarded.ts';
import type { AccountId } from '#shared/core/ids.ts';
import type { Outbox } from '#shared/service/ports/outbox.ts';
import type { ServiceDeps, Services } from '#shared/service/services.ts';
import type { NodePlatform } from './http-server.ts';
import type { Secrets } from './secrets-file.ts';
import type { ServeConfig } from './serve-config.ts';

export interface EmbeddedAppDeps
  extends Pick<
    ServiceDeps,
    'clock' | 'randomBytes' | 'hmac' | 'ledger' | 'keys' | 'blobs' | 'onError'
  > {
  readonly secrets: Secrets;
  readonly config: ServeConfig;
  readonly services: Services;
  readonly outbox: Outbox;
  readonly operatorAccount: AccountId;
  readonly checkReady: () => Promise<void>;
  readonly countRunning?: (model: string) => Promise<number>;
  readonly onWebhookDue: () => void;
  readonly onRequest?: NonNullable<ApiDeps['onRequest']>;
  readonly extras: readonly RegisterRoutes[];
}

/** How long a server-sent stream is held open. */
const MAX_STREAM_MS = 15 * 60_000;

/** Edge and API in one process: every request really passes the edge. */
export function createEmbeddedApp(deps: EmbeddedAppDeps): { edge: Hono; api: ApiDeps } {
  const { services, config, secrets, onError } = deps;
  const apiDeps: ApiDeps = {
    settings: settingsOf(config, deps.operatorAccount),
    clock: deps.clock,
    randomBytes: deps.randomBytes,
    keyService: services.keyService,
    keyStore: deps.keys,
    jobs: services.jobs,
    ledger: deps.ledger,
    blobs: deps.blobs,
    rateLimiter: createTokenBucketRateLimiter(deps.clock),
    catalog: services.catalog,
    pricing: services.pricing,
    admission: services.admission,
    settlement: services.settlement,
    estimator: services.estimator,
    watcher: services.hub,
    peekBalance: async (account) => (await deps.ledger.getAccount(account))?.balance,
    outbox: deps.outbox,
    onWebhookDue: deps.onWebhookDue,
    ...defined({ onRequest: deps.onRequest }),
    receiptKey: secrets.receiptKey,
    streamToken: (job) =>
      createHmac('sha256', secrets.urlKey)
        .update(`stream\n${job}`)
        .digest('base64url')
        .slice(0, 22),
    checkReady: deps.checkReady,
    ...defined({ countRunning: deps.countRunning }),
    onError: (error, requestId) => onError(error, `request ${requestId}`),
  };
  const api = createApiApp(apiDeps, deps.extras);
  const edge = createEdgeApp({
    config: { MAX_BODY_BYTES: config.maxBodyBytes },
    hmac: deps.hmac,
    macKeys: secrets.macKeys,
    clock: deps.clock,
    randomBytes: deps.randomBytes,
    forward(request, forwarded, platform) {
      const { outgoing } = (platform ?? {}) as Partial<NodePlatform>;
      const ends = outgoing === undefined ? {} : endsOf(outgoing);
      return afterRefusal(api.fetch(request, { forwarded: { ...forwarded, ...ends } }));
    },
    onError: apiDeps.onError,
  });
  return { edge, api: apiDeps };
}

/** How an answer ends: written in full, or with its connection. */
function endsOf(outgoing: NodePlatform['outgoing']): Pick<Forwarded, 'onAnswered' | 'onLost'> {
  return {
    onAnswered: (tell) => void outgoing.once('finish', tell),
    onLost: (tell) =>
      void outgoing.once('close', () => {
        if (!outgoing.writableFinished) tell();
      }),
  };
}

/**
 * Holds a refusal back until the turn of the event loop ends, at most a few milliseconds. Those that
 * come in by the hundred are written one after the other then: to wake their clients one by one costs
 * the system more than to make the answers.
 */
async function afterRefusal(answering: Response | Promise<Response>): Promise<Response> {
  const answer = await answering;
  if (answer.status >= 400) await new Promise((resolve) => setImmediate(resolve));
  return answer;
}

function settingsOf(config: ServeConfig, operatorAccount: AccountId): ApiSettings {
  return {
    operatorAccount,
    ...defined({ publicUrl: config.publicUrl?.replace(/\/+$/, '') }),
    ...defined({ topupUrl: config.topupUrl }),
    urlTtlMs: config.urlTtlSeconds * 1000,
    maxWaitMs: config.maxWaitSeconds * 1000,
    maxStreamMs: MAX_STREAM_MS,
    attachGraceMs: config.attachGraceSeconds * 1000,
    paused: config.paused,
    allowLocalWebhooks: config.allowLocalWebhooks,
  };
}
