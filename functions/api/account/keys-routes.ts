import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate, callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import { notFound } from '#functions/api/http/errors.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { targetAccount } from '#functions/api/http/target-account.ts';
import type { KeyId } from '#shared/core/ids.ts';
import { type MicroUsd, microUsd } from '#shared/core/money.ts';
import {
  IssuedKeySchema,
  KeyChangeSchema,
  KeySchema,
  NewKeySchema,
  RotateKeySchema,
} from './account-schema.ts';
import { presentKey } from './present-account.ts';

const security = [{ key: [] }];
const json = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
});
const params = z.object({ id: z.string() });
const query = z.object({
  account: z.string().optional().describe('Another account; for the operator only'),
});

/** API keys: issue, list, change, rotate with an overlap, revoke. Needs the `admin` scope. */
export function registerKeys(app: ApiApp, deps: RouteDeps): void {
  const middleware = [authenticate(deps, 'admin')];
  const { keyService } = deps;

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/keys',
      summary: 'Issue an API key; its text is shown once',
      security,
      middleware,
      request: {
        body: { required: false, content: { 'application/json': { schema: NewKeySchema } } },
      },
      responses: { 201: json('The key', IssuedKeySchema), ...errorResponses(404, 415, 422) },
    }),
    async (c) => {
      // The library leaves an absent optional body out of what it validates.
      const wanted = NewKeySchema.parse(c.req.valid('json') ?? {});
      const issued = await keyService.issue(
        {
          account: await targetAccount(c, deps, wanted.account),
          label: wanted.label,
          scopes: wanted.scopes,
          ratePerMinute: wanted.rate_per_minute,
          ...present('dayCap', toMoney(wanted.day_cap)),
          ...present('monthCap', toMoney(wanted.month_cap)),
          ...present('expiresAt', toTime(wanted.expires_at)),
        },
        callerOf(c).key.id,
      );
      return answerJson(c, 201, { ...presentKey(issued.key), key: issued.text });
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/keys',
      summary: 'List API keys',
      security,
      middleware,
      request: { query },
      responses: {
        200: json('Every key, without its text', z.object({ results: z.array(KeySchema) })),
        ...errorResponses(404),
      },
    }),
    async (c) => {
      const keys = await keyService.list(
        await targetAccount(c, deps, c.req.valid('query').account),
      );
      return answerJson(c, 200, { results: keys.map(presentKey) });
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/keys/{id}',
      summary: 'Get an API key',
      security,
      middleware,
      request: { params, query },
      responses: { 200: json('The key', KeySchema), ...errorResponses(404) },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const account = await targetAccount(c, deps, c.req.valid('query').account);
      const key = await keyService.get(account, id as KeyId);
      if (key === undefined) throw notFound('API key', id);
      return answerJson(c, 200, presentKey(key));
    },
  );

  app.openapi(
    createRoute({
      method: 'patch',
      path: '/v1/keys/{id}',
      summary: 'Change the label, scopes, caps, rate or expiry of an API key; null removes a limit',
      security,
      middleware,
      request: {
        params,
        query,
        body: { required: true, content: { 'application/json': { schema: KeyChangeSchema } } },
      },
      responses: { 200: json('The key', KeySchema), ...errorResponses(404, 415, 422) },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const change = c.req.valid('json');
      const account = await targetAccount(c, deps, c.req.valid('query').account);
      const updated = await keyService.update(
        account,
        id as KeyId,
        {
          ...present('label', change.label),
          ...present('scopes', change.scopes),
          ...present('ratePerMinute', change.rate_per_minute),
          ...(change.day_cap === undefined ? {} : { dayCap: toMoney(change.day_cap) ?? null }),
          ...(change.month_cap === undefined
            ? {}
            : { monthCap: toMoney(change.month_cap) ?? null }),
          ...(change.expires_at === undefined
            ? {}
            : { expiresAt: toTime(change.expires_at) ?? null }),
        },
        callerOf(c).key.id,
      );
      if (updated === undefined) throw notFound('API key in force', id);
      return answerJson(c, 200, presentKey(updated));
    },
  );

  registerEndings(app, deps);
}

function registerEndings(app: ApiApp, deps: RouteDeps): void {
  const middleware = [authenticate(deps, 'admin')];

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/keys/{id}/rotate',
      summary: 'Issue a successor; the old key works on for the overlap',
      security,
      middleware,
      request: {
        params,
        query,
        body: { required: false, content: { 'application/json': { schema: RotateKeySchema } } },
      },
      responses: { 201: json('The new key', IssuedKeySchema), ...errorResponses(404, 422) },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { overlap_seconds } = RotateKeySchema.parse(c.req.valid('json') ?? {});
      const account = await targetAccount(c, deps, c.req.valid('query').account);
      const actor = callerOf(c).key.id;
      const rotated = await deps.keyService.rotate(
        account,
        id as KeyId,
        overlap_seconds * 1000,
        actor,
      );
      if (rotated === undefined) throw notFound('API key in force', id);
      return answerJson(c, 201, { ...presentKey(rotated.key), key: rotated.text });
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/keys/{id}/revoke',
      summary: 'Revoke an API key for good',
      security,
      middleware,
      request: { params, query },
      responses: { 200: json('The key', KeySchema), ...errorResponses(404) },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const account = await targetAccount(c, deps, c.req.valid('query').account);
      const revoked =
        (await deps.keyService.revoke(account, id as KeyId, callerOf(c).key.id)) ??
        (await deps.keyService.get(account, id as KeyId));
      if (revoked === undefined) throw notFound('API key', id);
      return answerJson(c, 200, presentKey(revoked));
    },
  );
}

function toMoney(amount: number | null | undefined): MicroUsd | undefined {
  return amount === null || amount === undefined ? undefined : microUsd(amount);
}

function toTime(text: string | null | undefined): number | undefined {
  return text === null || text === undefined ? undefined : Date.parse(text);
}

/** The member, unless its value is absent. */
function present<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [K in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [K in Name]?: Value });
}
