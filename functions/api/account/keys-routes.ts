import type { z } from '@hono/zod-openapi';
import { callerOf } from '#functions/api/http/authenticate.ts';
import { AccountQuery, IdParams, linksById, listOf } from '#functions/api/http/common-schema.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { targetAccount } from '#functions/api/http/target-account.ts';
import { toEpochMs } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
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

const scopes = ['admin'] as const;
const query = AccountQuery;
const oneKey = { scopes, params: IdParams, query };

/** API keys: issue, list, change, rotate with an overlap, revoke. Needs the `admin` scope. */
export const registerKeys: RegisterRoutes = (app, deps) => {
  const { keyService } = deps;

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/keys',
    operationId: 'createKey',
    scopes,
    summary: 'Issue an API key; its text is shown once',
    body: NewKeySchema,
    bodyIsOptional: true,
    status: 201,
    returns: 'The key',
    answer: IssuedKeySchema,
    links: linksById('getKey', 'changeKey', 'rotateKey', 'revokeKey'),
    failures: [404, 409, 415, 422],
    async handle(c, { body }) {
      const wanted = {
        account: await targetAccount(c, deps, body.account),
        label: body.label,
        scopes: body.scopes,
        ratePerMinute: body.rate_per_minute,
        ...defined({
          dayCap: toMoney(body.day_cap) ?? undefined,
          monthCap: toMoney(body.month_cap) ?? undefined,
          expiresAt: toEpochMs(body.expires_at),
        }),
      };
      const issued = await keyService.issue(wanted, callerOf(c).key.id);
      return { ...presentKey(issued.key), key: issued.text };
    },
  });

  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/keys',
    operationId: 'listKeys',
    scopes,
    summary: 'List API keys',
    query,
    returns: 'Every key, without its text',
    answer: listOf(KeySchema),
    failures: [404],
    async handle(c, { query: { account } }) {
      const keys = await keyService.list(await targetAccount(c, deps, account));
      return { results: keys.map(presentKey) };
    },
  });

  jsonRoute(app, deps, {
    ...oneKey,
    method: 'get',
    path: '/v1/keys/{id}',
    operationId: 'getKey',
    summary: 'Get an API key',
    returns: 'The key',
    answer: KeySchema,
    failures: [404],
    async handle(c, { params: { id }, query: { account } }) {
      const key = await keyService.get(await targetAccount(c, deps, account), id as KeyId);
      if (key === undefined) throw notFound('API key', id);
      return presentKey(key);
    },
  });

  jsonRoute(app, deps, {
    ...oneKey,
    method: 'patch',
    path: '/v1/keys/{id}',
    operationId: 'changeKey',
    summary: 'Change the label, scopes, caps, rate or expiry of an API key; null removes a limit',
    body: KeyChangeSchema,
    returns: 'The key',
    answer: KeySchema,
    failures: [404, 415, 422],
    async handle(c, { params: { id }, query: { account }, body }) {
      const target = await targetAccount(c, deps, account);
      const actor = callerOf(c).key.id;
      const updated = await keyService.update(target, id as KeyId, toChange(body), actor);
      if (updated === undefined) throw notFound('API key in force', id);
      return presentKey(updated);
    },
  });

  jsonRoute(app, deps, {
    ...oneKey,
    method: 'post',
    path: '/v1/keys/{id}/rotate',
    operationId: 'rotateKey',
    summary: 'Rotate an API key; the old one keeps working during the overlap',
    body: RotateKeySchema,
    bodyIsOptional: true,
    status: 201,
    returns: 'The new key',
    answer: IssuedKeySchema,
    failures: [404, 422],
    async handle(c, { params: { id }, query: { account }, body }) {
      const target = await targetAccount(c, deps, account);
      const overlapMs = body.overlap_seconds * 1000;
      const rotated = await keyService.rotate(target, id as KeyId, overlapMs, callerOf(c).key.id);
      if (rotated === undefined) throw notFound('API key in force', id);
      return { ...presentKey(rotated.key), key: rotated.text };
    },
  });

  jsonRoute(app, deps, {
    ...oneKey,
    method: 'post',
    path: '/v1/keys/{id}/revoke',
    operationId: 'revokeKey',
    summary: 'Revoke an API key for good',
    returns: 'The key',
    answer: KeySchema,
    failures: [404],
    async handle(c, { params: { id }, query: { account } }) {
      const target = await targetAccount(c, deps, account);
      const revoked =
        (await keyService.revoke(target, id as KeyId, callerOf(c).key.id)) ??
        (await keyService.get(target, id as KeyId));
      if (revoked === undefined) throw notFound('API key', id);
      return presentKey(revoked);
    },
  });
};

/** Absent members stay as they are; null removes a limit. */
function toChange(change: z.output<typeof KeyChangeSchema>) {
  const { expires_at } = change;
  return defined({
    label: change.label,
    scopes: change.scopes,
    ratePerMinute: change.rate_per_minute,
    dayCap: toMoney(change.day_cap),
    monthCap: toMoney(change.month_cap),
    expiresAt: expires_at === null ? null : toEpochMs(expires_at),
  });
}

function toMoney(amount: number | null | undefined): MicroUsd | null | undefined {
  return typeof amount === 'number' ? microUsd(amount) : amount;
}
