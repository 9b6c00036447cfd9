import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Account, ApiKey } from '#shared/core/account.ts';
import type { AnswerEnd, Forwarded } from '#shared/core/forwarded.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { RateDecision } from '#shared/service/ports/rate-limiter.ts';

/** Who makes the request. */
export interface Caller {
  readonly key: ApiKey;
  readonly account: Pick<Account, 'id' | 'name' | 'createdAt'>;
}

/** Facts of one request, known to every route. */
export interface RequestFacts {
  readonly requestId: string;
  /** The scheme, host and prefix, if any, that clients call, without a trailing slash. */
  readonly origin: string;
  readonly authorization: string | undefined;
  /** The network that the request comes from; absent where that does not count. */
  readonly clientAddress: string | undefined;
  readonly end: AnswerEnd | undefined;
  /** SHA-256 of the body, hex, where the edge has computed it. */
  readonly bodySha256: string | undefined;
  caller?: Caller;
  rate?: RateDecision;
  /** The job that the request created or found. */
  job?: JobId;
}

export interface ApiHono {
  Bindings: {
    forwarded?: Forwarded;
    end?: AnswerEnd | undefined;
    /** Where clients reach the service, as a proxy that is trusted says; absent without one. */
    origin?: string | undefined;
    /** The network that the request comes from, where that counts. */
    clientAddress?: string | undefined;
  };
  Variables: { facts: RequestFacts };
}

export type ApiContext = Context<ApiHono>;
export type ApiApp = OpenAPIHono<ApiHono>;
