import type { ServiceFunction } from '#infra/constructs/service-function.ts';
import { defined } from '#shared/core/defined.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

/** The variables of a function that takes payments or settles them. */
export function x402Environment({ x402 }: DeploymentSettings) {
  if (x402 === undefined) return {};
  const { secretArn, ...settings } = x402;
  return { X402: JSON.stringify(settings), ...defined({ X402_SECRET_ARN: secretArn }) };
}

/** Lets it read the operator's secret, where there is one. */
export function grantX402Secret(reader: ServiceFunction, { x402 }: DeploymentSettings): void {
  if (x402?.secretArn === undefined) return;
  reader.grant(['secretsmanager:GetSecretValue'], [x402.secretArn]);
}
