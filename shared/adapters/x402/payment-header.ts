import { z } from 'zod';

/** A payment is a signature and six fields; a smart wallet's signature is longer. */
const MAX_HEADER_LENGTH = 12_000;

const Hex = (bytes: number) => z.string().regex(new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`));
const Digits = z.string().regex(/^\d{1,30}$/);

const AuthorizationSchema = z.object({
  signature: z.string().regex(/^0x(?:[0-9a-fA-F]{2}){64,4000}$/),
  authorization: z.object({
    from: Hex(20),
    to: Hex(20),
    value: Digits,
    validAfter: Digits,
    validBefore: Digits,
    nonce: Hex(32),
  }),
});
/** A signed transfer, as EIP-3009 has it. */
export type Authorization = z.infer<typeof AuthorizationSchema>;

const AcceptedSchema = z.object({
  scheme: z.string().max(40),
  network: z.templateLiteral([z.string(), ':', z.string()]),
  asset: z.string().max(100),
  amount: z.string().max(40),
  payTo: z.string().max(100),
  maxTimeoutSeconds: z.number(),
  extra: z.record(z.string(), z.unknown()),
});

const PayloadSchema = z.discriminatedUnion('x402Version', [
  z.object({
    x402Version: z.literal(2),
    accepted: AcceptedSchema,
    payload: AuthorizationSchema,
  }),
  z.object({
    x402Version: z.literal(1),
    scheme: z.literal('exact'),
    network: z.string().max(40),
    payload: AuthorizationSchema,
  }),
]);
export type PaymentPayload = z.infer<typeof PayloadSchema>;

/** What a `PAYMENT-SIGNATURE` (or, before version 2, `X-PAYMENT`) header holds; undefined if no payment. */
export function parsePaymentHeader(header: string): PaymentPayload | undefined {
  if (header.length > MAX_HEADER_LENGTH) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
    return PayloadSchema.safeParse(value).data;
  } catch {
    return undefined;
  }
}

/** A value as x402's headers carry it. */
export function encodeHeader(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}
