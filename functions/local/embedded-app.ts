import type { Hono } from 'hono';
import { createApiApp } from '#functions/api/app.ts';
import type { ApiDeps, ApiSettings } from '#functions/api/http/deps.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { createEdgeApp } from '#functions/edge/app.ts';
import { createTokenBucketRateLimiter } from '#shared/adapters/memory/token-bucket-rate-limiter.ts';
import { defined } from '#shared/core/defined.ts';
import type { AnswerEnd } from '#shared/core/forwarded.ts';
import { hmacSha256 } from '#shared/core/hash.ts';
import type { AccountId } from '#shared/core/ids.ts';
import { subtractUsd, ZERO_USD } from '#shared/core/money.ts';
import { createClientAddressReader } from './client-address.ts';
import type { NodePlatform } from './http-server.ts';
import type { LocalService } from './open-local-service.ts';
import { createOriginReader } from './proxy-origin.ts';
import type { ServeConfig } from './serve-config.ts';

/** What a process adds to the API of its service. */
export interface EmbeddedAppParts
  extends Partial<
    Pick<
      ApiDeps,
      | 'checkReady'
      | 'countRunning'
      | 'inspectImage'
      | 'previewImage'
      | 'pageAssets'
      | 'onWebhookDue'
      | 'onRequest'
      | 'payments'
      | 'cards'
    >
  > {
  readonly extras?: readonly RegisterRoutes[];
}

/** How long a server-sent stream is held open. */
const MAX_STREAM_MS = 15 * 60_000;

/** Edge and API in one process: every request really passes the edge. */
export function createEmbeddedApp(
  service: LocalService,
  { extras = [], ...parts }: EmbeddedAppParts = {},
): { edge: Hono; api: ApiDeps } {
  const { services, config, secrets, clock, randomBytes, blobs } = service;
  const { ledger, keys: keyStore, outbox, hooks, erasure } = service.stores;
  const apiDeps: ApiDeps = {
    ...services,
    settings: settingsOf(config, service.keys.account, parts.cards !== undefined),
    clock,
    randomBytes,
    keyStore,
    ledger,
    outbox,
    hooks,
    erasure,
    blobs,
    rateLimiter: createTokenBucketRateLimiter(clock),
    watcher: services.hub,
    peekBalance: async (id) => {
      const account = await ledger.getAccount(id);
      return account && subtractUsd(account.balance, account.owed ?? ZERO_USD);
    },
    receiptSigningKey: secrets.receiptSigningKey,
    streamMac: (job, endsAt) =>
      hmacSha256(secrets.urlKey, `stream\n${job}\n${endsAt}`).toString('base64url').slice(0, 22),
    checkReady: async () => undefined,
    ...parts,
    onError: (error, requestId) => service.onError(error, `request ${requestId}`),
  };
  const api = createApiApp(apiDeps, extras);
  const originOf = createOriginReader(config.trustedProxies, (peer) =>
    service.onError(
      new Error(
        `X-Forwarded headers of ${peer} are not used: name the proxy in trustedProxies, or set publicUrl`,
      ),
      'proxy',
    ),
  );
  const addressOf = parts.payments && createClientAddressReader(config.trustedProxies);
  const edge = createEdgeApp({
    config: {
      MAX_BODY_BYTES: config.maxBodyBytes,
      MAX_IMAGE_BYTES,
      ...(parts.payments && { X402: '1' as const }),
      ...(parts.cards && { STRIPE: '1' as const }),
    },
    macKeys: secrets.macKeys,
    clock,
    randomBytes,
    forward(request, forwarded, platform) {
      const { incoming, outgoing } = (platform ?? {}) as Partial<NodePlatform>;
      const origin = originOf(request.headers, incoming?.socket.remoteAddress);
      const end = outgoing && new NodeAnswerEnd(outgoing);
      const clientAddress = addressOf?.(request.headers, incoming?.socket.remoteAddress);
      return heldBack(api.fetch(request, { forwarded, end, origin, clientAddress }));
    },
    onError: apiDeps.onError,
  });
  return { edge, api: apiDeps };
}

/** A PNG of noise, 2048 pixels to a side. */
const MAX_IMAGE_BYTES = 16_000_000;

/** How an answer ends: written in full, or with its connection. A class, since every request has one. */
class NodeAnswerEnd implements AnswerEnd {
  readonly #outgoing: NodePlatform['outgoing'];

  constructor(outgoing: NodePlatform['outgoing']) {
    this.#outgoing = outgoing;
  }

  onAnswered(tell: () => void): void {
    this.#outgoing.once('finish', tell);
  }

  onLost(tell: () => void): void {
    this.#outgoing.once('close', () => {
      if (!this.#outgoing.writableFinished) tell();
    });
  }
}

/**
 * Holds an answer back until the turn of the event loop ends, at most a few milliseconds. Those that
 * come in by the hundred are written one after the other then: to wake their clients one by one costs
 * the system more than to make the answers.
 */
async function heldBack(answering: Response | Promise<Response>): Promise<Response> {
  const answer = await answering;
  await new Promise((resolve) => setImmediate(resolve));
  return answer;
}

function settingsOf(
  config: ServeConfig,
  operatorAccount: AccountId,
  sellsByCard: boolean,
): ApiSettings {
  const publicUrl = config.publicUrl?.replace(/\/+$/, '');
  const ownPage = sellsByCard && publicUrl !== undefined ? `${publicUrl}/credits` : undefined;
  return {
    operatorAccount,
    ...defined({ publicUrl, topupUrl: config.topupUrl ?? ownPage }),
    urlTtlMs: config.urlTtlSeconds * 1000,
    maxWaitMs: config.maxWaitSeconds * 1000,
    maxStreamMs: MAX_STREAM_MS,
    attachGraceMs: config.attachGraceSeconds * 1000,
    runningCancelsPerHour: config.runningCancelsPerHour,
    paused: config.paused,
    allowLocalWebhooks: config.allowLocalWebhooks,
  };
}
