import { z } from '@hono/zod-openapi';
import { DateTime, GivenCredit, MicroUsd } from '#functions/api/http/common-schema.ts';
import { KEY_SECRET } from '#shared/core/account.ts';
import { INVITATION_STATES } from '#shared/core/invitation.ts';
import { AccountSchema, IssuedKeySchema } from './account-schema.ts';

const offer = {
  name: z.string().describe('What the account will be called'),
  credit: MicroUsd.describe('What the account starts with'),
  credit_expires_at: DateTime.nullable(),
  expires_at: DateTime,
};

export const InvitationSchema = z
  .object({
    id: z.string(),
    ...offer,
    created_at: DateTime,
    state: z.enum(INVITATION_STATES),
    revoked_at: DateTime.nullable(),
    used_at: DateTime.nullable(),
    account: z.string().nullable().describe('The account that was made of it'),
  })
  .openapi('Invitation');
export type Invitation = z.output<typeof InvitationSchema>;

export const MadeInvitationSchema = InvitationSchema.extend({
  url: z.string().describe('The link to send: its secret is shown now and never again'),
}).openapi('MadeInvitation');
export type MadeInvitation = z.output<typeof MadeInvitationSchema>;

const EndsAt = z.iso.datetime({ offset: true });

export const NewInvitationSchema = z
  .strictObject({
    name: z.string().min(1).max(100),
    credit: GivenCredit.min(0).default(0),
    credit_expires_at: EndsAt.nullish(),
    expires_at: EndsAt.optional().describe('Default: in seven days'),
  })
  .openapi('CreateInvitation', { example: { name: 'shop', credit: 5_000_000 } });

const Token = z
  .string()
  .regex(/^inv_[0-9a-z]{26}\.[0-9A-Za-z]{24}$/, 'is not the end of an invitation’s link')
  .describe('What follows the # in the invitation’s link');

export const CheckInvitationSchema = z.strictObject({ token: Token }).openapi('CheckInvitation', {
  example: { token: 'inv_01k9z6n3v5r8q2w4x7y1t0s6pd.7bQ2xkT9mW4nV8sR1cY6pL3d' },
});

export const OfferSchema = z.object(offer).openapi('InvitationOffer');
export type Offer = z.output<typeof OfferSchema>;

export const RedeemInvitationSchema = z
  .strictObject({
    token: Token,
    key_secret: z
      .string()
      .regex(KEY_SECRET, 'must be 24 letters and digits')
      .describe(
        'Random, and made by you: the same request with the same secret gets the same key again',
      ),
  })
  .openapi('RedeemInvitation', {
    example: {
      token: 'inv_01k9z6n3v5r8q2w4x7y1t0s6pd.7bQ2xkT9mW4nV8sR1cY6pL3d',
      key_secret: 'Zx81vBn4Qw7Lk2Mj9Hf3Td6R',
    },
  });

export const RedeemedSchema = z
  .object({ account: AccountSchema, key: IssuedKeySchema })
  .openapi('RedeemedInvitation');
export type Redeemed = z.output<typeof RedeemedSchema>;
