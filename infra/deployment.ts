import { type App, Tags, Validations } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { ApiStack } from '#infra/api/api-stack.ts';
import { deploymentTags } from '#infra/constructs/onestep-stack.ts';
import { DataStack } from '#infra/data/data-stack.ts';
import { EdgeStack } from '#infra/edge/edge-stack.ts';
import { stagedDrawingCode } from '#infra/gpu/drawing-code.ts';
import { GpuStack } from '#infra/gpu/gpu-stack.ts';
import { OperationsStack } from '#infra/operations/operations-stack.ts';
import { WebhooksStack } from '#infra/webhooks/webhooks-stack.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import type { BundleName } from './bundles.ts';
import type { Watched } from './operations/watched.ts';

export type DeploymentCode = Readonly<Record<BundleName, Code>>;

export interface Deployment extends Watched {
  readonly operations: OperationsStack;
}

/** Every stack of a deployment, tagged, and checked by cdk-nag when the app is synthesised. */
export function createDeployment(
  app: App,
  settings: DeploymentSettings,
  code: DeploymentCode,
  {
    drawing = () => stagedDrawingCode(),
    buildSource,
  }: { readonly drawing?: () => Code; readonly buildSource?: string } = {},
): Deployment {
  const data = new DataStack(app, settings, buildSource);
  const edge = new EdgeStack(app, settings, data, code.edge);
  const gpu = new GpuStack(app, settings, data, { check: code['package-check'], drawing });
  const api = new ApiStack(app, settings, { data, edge, gpu }, code);
  const webhooks = new WebhooksStack(app, settings, { data, api }, code.webhooks);
  const watched = { data, edge, gpu, api, webhooks };
  const operations = new OperationsStack(app, settings, watched, code['kill-switch']);
  edge.addStackDependency(data);
  for (const [name, value] of Object.entries(deploymentTags(settings)))
    Tags.of(app).add(name, value);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  return { ...watched, operations };
}
