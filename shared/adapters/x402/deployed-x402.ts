import { z } from 'zod';
import { JsonVariable } from '#shared/adapters/aws/environment.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import {
  type DeployedX402,
  X402SecretSchema,
  X402SettingsSchema,
} from '#shared/core/x402-settings.ts';
import { parseJson } from '#shared/service/domain/stored-json.ts';
import type { X402GatewayDeps } from './x402-gateway.ts';

/** The variables of a deployed function that takes payments or settles them; absent: it does not. */
export const X402_VARIABLES = {
  /** How payers pay, as JSON. */
  X402: JsonVariable.pipe(X402SettingsSchema.partial({ rpcUrl: true })).optional(),
  /** The secret of {@link X402SecretSchema}; absent: neither facilitator nor node asks for one. */
  X402_SECRET_ARN: z.string().min(1).optional(),
} as const;

interface X402Variables {
  readonly X402?: Omit<DeployedX402, 'secretArn'> | undefined;
  readonly X402_SECRET_ARN?: string | undefined;
}

/** Reads the secret, where there is one; otherwise its text is empty. */
export async function readX402Secret(
  { X402_SECRET_ARN: arn }: X402Variables,
  readSecret: (id: string) => Promise<string>,
): Promise<string> {
  return arn === undefined ? '' : readSecret(arn);
}

/**
 * What it takes to open the gateway: the variables, and what the secret holds.
 *
 * @throws AppError `invalid-request` that says what is wrong with the secret, but not what it is
 */
export function deployedGateway({ X402 }: X402Variables, secret: string): X402GatewayDeps {
  const held = X402SecretSchema.safeParse(secret === '' ? {} : parseJson(secret));
  if (!held.success) {
    throw wrongSecret('must be JSON with facilitatorToken, rpcUrl or both, and nothing else');
  }
  const { facilitatorToken, rpcUrl } = held.data;
  const settings = X402SettingsSchema.safeParse({ ...X402, ...defined({ rpcUrl }) });
  if (!settings.success) throw wrongSecret('must hold rpcUrl, since onestep:x402 does not');
  return { settings: settings.data, facilitatorToken };
}

function wrongSecret(problem: string): AppError {
  return new AppError('invalid-request', `The secret of onestep:x402.secretArn ${problem}.`);
}
