import { App } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { edgeSettings } from '#infra/edge/edge-stack.ts';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { AppError } from '#shared/core/errors.ts';
import { ceilingPerMonth } from '#shared/deployment/cost.ts';
import type { ModelSettings } from '#shared/deployment/model-settings.ts';
import { parseSettings } from '#shared/deployment/settings.ts';
import { BUNDLE_NAMES, bundleAll } from './bundles.ts';
import { createDeployment, type DeploymentCode } from './deployment.ts';

/** The CDK app that cdk.json names: bundles the functions and synthesises every stack. */
async function main(): Promise<void> {
  const app = new App();
  const settings = parseSettings(app.node.getAllContext());
  const bundles = await bundleAll({ ...edgeSettings(settings) } as Record<string, string>);
  const code = Object.fromEntries(
    BUNDLE_NAMES.map((name) => [name, Code.fromAsset(bundles[name].folder)]),
  ) as unknown as DeploymentCode;
  createDeployment(app, settings, code);
  app.synth();
  const onGpu = settings.models.filter(hasInstances);
  if (onGpu.length > 0) process.stderr.write(`${ceilingLine(onGpu)}\n`);
}

/** What the GPUs of these models can cost at most, printed at each synth and deploy. */
function ceilingLine(models: readonly ModelSettings[]): string {
  const usd = models.reduce(
    (sum, { instance, maxInstances }) => sum + ceilingPerMonth(instance, maxInstances),
    0,
  );
  return `Ceiling of the GPUs: $${usd.toFixed(2)} a month, with every instance running all the time. "onestep cost" says more.`;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
