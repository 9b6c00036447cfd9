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

/** Goes to the facilitator as a bearer token; a secret, so it is in no file. */
export const X402_TOKEN_VARIABLE = 'X402_FACILITATOR_TOKEN';

/** The settings that variables such as `X402_PAY_TO` name; `X402_ASSET` is JSON. */
export function readX402Environment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> {
  const parts: Record<string, unknown> = {};
  for (const name of Object.keys(X402SettingsSchema.shape)) {
    const text = env[variableOf(name)];
    if (text === undefined || text === '') continue;
    parts[name] = name === 'asset' ? parseJson(text) : text;
  }
  return parts;
}

/** `X402_PAY_TO` for `payTo`. */
function variableOf(name: string): string {
  return `X402_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
