import type { MiddlewareHandler } from 'hono';
import { authorizationProblem, keyOfAuthorization } from '#shared/adapters/http/authorization.ts';
import { budgetKeyOf, type Scope } from '#shared/core/account.ts';
import { AppError } from '#shared/core/errors.ts';
import type { AuthFailure } from '#shared/service/domain/key-authenticator.ts';
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

/**
 * Lets through only holders of a valid key with one of the scopes, none faster than its rate.
 *
 * @throws AppError `unauthenticated`, `account-disabled`, `permission-denied`; a caller that is
 *   too fast is answered without throwing, because clients may ignore that a thousand times
 */
export function authenticate(
  deps: Pick<ApiDeps, 'keyService' | 'rateLimiter'>,
  ...anyOf: readonly Scope[]
): MiddlewareHandler<ApiHono> {
  return async (c, next) => {
    const caller = await identify(c, deps);
    const facts = c.get('facts');
    facts.caller = caller;
    const taken = deps.rateLimiter.take(budgetKeyOf(caller.key), caller.key.ratePerMinute);
    facts.rate = taken instanceof Promise ? await taken : taken;
    if (!facts.rate.allowed) {
      return answerError(c, rateLimited(caller.key.ratePerMinute, facts.rate.retryAfterMs));
    }
    if (!anyOf.some((scope) => caller.key.scopes.includes(scope))) {
      throw new AppError(
        'permission-denied',
        `This API key has no "${anyOf.join('" or "')}" scope. Use another key, or make one that has it.`,
      );
    }
    return next();
  };
}

async function identify(c: ApiContext, deps: Pick<ApiDeps, 'keyService'>): Promise<Caller> {
  const { authorization } = c.get('facts');
  const text = keyOfAuthorization(authorization, c.req.path);
  if (text === undefined) {
    throw new AppError('unauthenticated', authorizationProblem(authorization));
  }
  const result = await deps.keyService.authenticate(text);
  if (result.ok) return result;
  if (result.reason === 'account-disabled') {
    throw new AppError(
      'account-disabled',
      'This account is disabled. Ask the operator of the service.',
    );
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
