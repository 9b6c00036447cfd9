import type { z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { callerOf } from '#functions/api/http/authenticate.ts';
import { IdParams, linksById, listOf } from '#functions/api/http/common-schema.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { invalidInput, notFound } from '#functions/api/http/errors.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { assertOperator } from '#functions/api/http/target-account.ts';
import { isoOrNull, toEpochMs, toIso } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { type Invitation, type InvitationState, invitationState } from '#shared/core/invitation.ts';
import { microUsd } from '#shared/core/money.ts';
import type { NewInvitation } from '#shared/service/domain/invitations.ts';
import {
  CheckInvitationSchema,
  InvitationSchema,
  MadeInvitationSchema,
  NewInvitationSchema,
  OfferSchema,
  RedeemedSchema,
  RedeemInvitationSchema,
} from './invitation-schema.ts';
import { presentAccount, presentKey } from './present-account.ts';

const DEFAULT_LIFETIME_MS = 7 * 86_400_000;
const operators = ['admin'] as const;

/** Invitations: made, listed and revoked by the operator; looked at and redeemed by whoever has the link. */
export const registerInvitations: RegisterRoutes = (app, deps) => {
  const { invitationService, clock } = deps;
  const operator = (c: ApiContext) => {
    assertOperator(c, deps);
    const { account, key } = callerOf(c);
    return { account: account.id, actor: key.id };
  };

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/invitations',
    operationId: 'createInvitation',
    scopes: operators,
    summary:
      'Invite somebody to an account of their own, by a link that works once. For the operator',
    body: NewInvitationSchema,
    status: 201,
    returns: 'The invitation and its link',
    answer: MadeInvitationSchema,
    links: linksById('revokeInvitation'),
    failures: [415, 422],
    async handle(c, { body }) {
      const by = operator(c);
      const now = clock.now();
      const { invitation, token } = await invitationService.invite(toInvitation(body, now), by);
      const url = `${c.get('facts').origin}/join#${token}`;
      return { ...present(invitation, now), url };
    },
  });

  jsonRoute(app, deps, {
    method: 'get',
    path: '/v1/invitations',
    operationId: 'listInvitations',
    scopes: operators,
    summary: 'List invitations, newest first. For the operator',
    returns: 'Every invitation, without its link',
    answer: listOf(InvitationSchema),
    async handle(c) {
      assertOperator(c, deps);
      const now = clock.now();
      return { results: (await invitationService.list()).map((one) => present(one, now)) };
    },
  });

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/invitations/{id}/revoke',
    operationId: 'revokeInvitation',
    scopes: operators,
    summary: 'Revoke an invitation; one that was used stays as it is. For the operator',
    params: IdParams,
    returns: 'The invitation',
    answer: InvitationSchema,
    failures: [404],
    async handle(c, { params: { id } }) {
      const revoked = await invitationService.revoke(id, operator(c));
      if (revoked === undefined) throw notFound('invitation', id);
      return present(revoked, clock.now());
    },
  });

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/join/check',
    operationId: 'checkInvitation',
    summary: 'See what an invitation offers. Takes no API key, but what the link ends with',
    body: CheckInvitationSchema,
    returns: 'What it offers',
    answer: OfferSchema,
    failures: [404, 410, 415, 422],
    async handle(_, { body: { token } }) {
      const invitation = await invitationService.find(token);
      const state = invitation ? invitationState(invitation, clock.now()) : 'unknown';
      if (invitation === undefined || state !== 'open') throw closed(state);
      return presentOffer(invitation);
    },
  });

  jsonRoute(app, deps, {
    method: 'post',
    path: '/v1/join',
    operationId: 'redeemInvitation',
    summary: 'Make the account and its first key. Takes no API key, but what the link ends with',
    body: RedeemInvitationSchema,
    status: 201,
    returns: 'The account and its key',
    answer: RedeemedSchema,
    responses: {
      200: {
        description: 'What an earlier request with the same secret was answered',
        content: { 'application/json': { schema: RedeemedSchema } },
      },
    },
    failures: [404, 410, 415, 422],
    async handle(c, { body }) {
      const result = await invitationService.redeem(body.token, body.key_secret);
      if (result.outcome !== 'redeemed') throw closed(result.outcome);
      const { account, issued } = result;
      const answer = {
        account: presentAccount(account, deps),
        key: { ...presentKey(issued.key), key: issued.text },
      };
      if (result.isNew) return answer;
      return answerJson(c, 200, RedeemedSchema, answer, { 'idempotency-replayed': 'true' });
    },
  });
};

function toInvitation(body: z.output<typeof NewInvitationSchema>, now: number): NewInvitation {
  const expiresAt = toEpochMs(body.expires_at) ?? now + DEFAULT_LIFETIME_MS;
  if (expiresAt <= now) throw invalidInput([{ path: 'expires_at', message: 'is in the past' }]);
  const creditExpiresAt = toEpochMs(body.credit_expires_at);
  if (creditExpiresAt !== undefined && creditExpiresAt <= expiresAt) {
    const message = 'must be after expires_at: whoever joins on the last day is to have the credit';
    throw invalidInput([{ path: 'credit_expires_at', message }]);
  }
  const credit = { amount: microUsd(body.credit), ...defined({ expiresAt: creditExpiresAt }) };
  return { name: body.name, expiresAt, ...(body.credit > 0 && { credit }) };
}

const CLOSED: Readonly<Record<Exclude<InvitationState, 'open'>, string>> = {
  used: 'This invitation has been used: each works once. Sign in with the key that it made, or ask for another invitation.',
  revoked: 'This invitation was withdrawn. Ask whoever sent it for another one.',
  expired: 'This invitation has expired. Ask whoever sent it for another one.',
};

function closed(state: InvitationState | 'unknown'): AppError {
  if (state !== 'unknown' && state !== 'open') return new AppError('gone', CLOSED[state]);
  return new AppError(
    'not-found',
    'There is no such invitation. Check that the link was copied whole.',
  );
}

function presentOffer({ name, credit, expiresAt }: Invitation): z.input<typeof OfferSchema> {
  return {
    name,
    credit: credit?.amount ?? 0,
    credit_expires_at: isoOrNull(credit?.expiresAt),
    expires_at: toIso(expiresAt),
  };
}

function present(invitation: Invitation, now: number): z.input<typeof InvitationSchema> {
  const { id, createdAt, revokedAt, used } = invitation;
  return {
    id,
    ...presentOffer(invitation),
    created_at: toIso(createdAt),
    state: invitationState(invitation, now),
    revoked_at: isoOrNull(revokedAt),
    used_at: isoOrNull(used?.at),
    account: used?.account ?? null,
  };
}
