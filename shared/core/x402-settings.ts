import { z } from 'zod';

const Address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address: 0x and 40 hexadecimal digits');

/** How payers without an account pay: x402, scheme `exact`, in a dollar token with six decimals. */
export const X402SettingsSchema = z.strictObject({
  /** Where the money goes. Its key is never needed here. */
  payTo: Address,
  /** CAIP-2: `eip155:8453` is Base, `eip155:84532` its test network. */
  network: z.string().regex(/^eip155:\d{1,12}$/, 'must be an EVM chain such as eip155:8453'),
  /** Verifies and settles payments. */
  facilitatorUrl: z.url({ protocol: /^https?$/ }),
  /** A node of the chain, which is asked what became of a payment. */
  rpcUrl: z.url({ protocol: /^https?$/ }),
  /** The token, where it is not the network's USDC. It has EIP-3009 and six decimals. */
  asset: z
    .strictObject({
      address: Address,
      /** Name and version of its EIP-712 domain. */
      name: z.string().min(1).max(100),
      version: z.string().min(1).max(20),
    })
    .optional(),
  /** Most orders of one wallet that may be unpaid at one time, those of the day that failed included. */
  unpaidPerPayer: z.coerce.number().int().min(1).max(10_000).default(5),
  /** The same from one network address. */
  unpaidPerAddress: z.coerce.number().int().min(1).max(10_000).default(20),
});

export type X402Settings = Readonly<z.infer<typeof X402SettingsSchema>>;

/** How long a settlement may take, in seconds: a payment has to last this much longer than its job. */
export const SETTLEMENT_SECONDS = 300;

/** The same in a deployment: what is secret is held by a secret of AWS Secrets Manager. */
export const DeployedX402Schema = X402SettingsSchema.partial({ rpcUrl: true })
  .extend({
    /** ARN of the secret: JSON as {@link X402SecretSchema} has it. */
    secretArn: z
      .string()
      .regex(
        /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}$/,
        'must be the whole ARN of a secret, with the six characters at its end',
      )
      .optional(),
  })
  .refine(({ rpcUrl, secretArn }) => rpcUrl !== undefined || secretArn !== undefined, {
    error: 'rpcUrl is missing, here and in a secret (secretArn)',
  });
export type DeployedX402 = Readonly<z.infer<typeof DeployedX402Schema>>;

/** What the secret may hold: nodes often have their key in their address. */
export const X402SecretSchema = z.strictObject({
  /** Goes to the facilitator as a bearer token. */
  facilitatorToken: z.string().min(1).optional(),
  rpcUrl: X402SettingsSchema.shape.rpcUrl.optional(),
});
