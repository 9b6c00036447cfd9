import type { MiddlewareHandler } from 'hono';
import { authorizationProblem, keyOfAuthorization } from '#shared/adapters/http/authorization.ts';
import { budgetKeyOf, type Scope } from '#shared/core/account.ts';
import { AppError } from '#shared/core/errors.ts';
import type { AuthFailure, AuthResult } from '#shared/service/domain/key-authenticator.ts';
import type { RateDecision } from '#shared/service/ports/rate-limiter.ts';
import { answerError } from './answer.ts';
import type { ApiContext, ApiHono, Caller } from './context.ts';
import type { ApiDeps } from './deps.ts';

const REASONS: Record<Exclude<AuthFailure, 'account-disabled'>, string> = {
  malformed: 'The API key is not one of ours. Check that it was copied whole.',
  forged: 'The API key is not one of ours. Check that it was copied whole.',
  unknown: 'There is no such API key.',
  revoked: 'This API key was revoked.',
  expired: 'This API key has expired.',
};

export const ACCOUNT_DISABLED = 'This account is disabled. Ask the operator of the service.';

type AuthDeps = Pick<ApiDeps, 'keyService' | 'rateLimiter'>;
/** Undefined for a caller that may go on, else what it is answered. */
type Admitted = Response | undefined;

/** As {@link admitCaller}, in front of a route that the router itself knows. */
export function authenticate(
  deps: AuthDeps,
  ...anyOf: readonly Scope[]
): MiddlewareHandler<ApiHono> {
  return async (c, next) => (await admitCaller(c, deps, anyOf)) ?? next();
}

/**
 * Lets through only holders of a valid key with one of the scopes, none faster than its rate. What is in
 * memory, as for nearly every request, is decided without a promise.
 *
 * @throws AppError `unauthenticated`, `account-disabled`, `permission-denied`; a caller that is
 *   too fast is answered without throwing, because clients may ignore that a thousand times
 */
export function admitCaller(
  c: ApiContext,
  deps: AuthDeps,
  anyOf: readonly Scope[],
): Admitted | Promise<Admitted> {
  const { authorization } = c.get('facts');
  const text = keyOfAuthorization(authorization, c.req.path);
  if (text === undefined) {
    throw new AppError('unauthenticated', authorizationProblem(authorization));
  }
  const known = deps.keyService.authenticate(text);
  return known instanceof Promise
    ? known.then((result) => admitKnown(c, deps, anyOf, callerIn(result)))
    : admitKnown(c, deps, anyOf, callerIn(known));
}

function admitKnown(
  c: ApiContext,
  deps: AuthDeps,
  anyOf: readonly Scope[],
  caller: Caller,
): Admitted | Promise<Admitted> {
  c.get('facts').caller = caller;
  const taken = deps.rateLimiter.take(budgetKeyOf(caller.key), caller.key.ratePerMinute);
  return taken instanceof Promise
    ? taken.then((rate) => judge(c, anyOf, caller, rate))
    : judge(c, anyOf, caller, taken);
}

function judge(
  c: ApiContext,
  anyOf: readonly Scope[],
  { key }: Caller,
  rate: RateDecision,
): Admitted {
  c.get('facts').rate = rate;
  if (!rate.allowed) return answerError(c, rateLimited(key.ratePerMinute, rate.retryAfterMs));
  if (!anyOf.some((scope) => key.scopes.includes(scope))) {
    throw new AppError(
      'permission-denied',
      `This API key has no "${anyOf.join('" or "')}" scope. Use another key, or make one that has it.`,
    );
  }
  return undefined;
}

function callerIn(result: AuthResult): Caller {
  if (result.ok) return result;
  if (result.reason === 'account-disabled') {
    throw new AppError('account-disabled', ACCOUNT_DISABLED);
  }
  throw new AppError('unauthenticated', REASONS[result.reason]);
}

function rateLimited(ratePerMinute: number, retryAfterMs: number): AppError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return new AppError(
    'rate-limited',
    `This API key may make ${ratePerMinute} requests a minute. Try again in ${seconds} s.`,
    { details: { retry_after: seconds } },
  );
}

/** The authenticated caller; only for routes behind {@link authenticate}. */
export function callerOf(c: ApiContext): Caller {
  const { caller } = c.get('facts');
  if (caller === undefined)
    throw new AppError('internal-error', 'a route without authentication asks for its caller');
  return caller;
}
