import { type App, Tags, Validations } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import type { BundleName } from './bundles.ts';
import { ApiStack } from './stacks/api-stack.ts';
import { DataStack } from './stacks/data-stack.ts';
import { EdgeStack } from './stacks/edge-stack.ts';
import { GpuStack } from './stacks/gpu-stack.ts';
import { deploymentTags } from './stacks/onestep-stack.ts';
import { OperationsStack } from './stacks/operations-stack.ts';
import { WebhooksStack } from './stacks/webhooks-stack.ts';

export type DeploymentCode = Readonly<Record<BundleName, Code>>;

export interface Deployment {
  readonly data: DataStack;
  readonly edge: EdgeStack;
  readonly gpu: GpuStack;
  readonly api: ApiStack;
  readonly webhooks: WebhooksStack;
  readonly operations: OperationsStack;
}

/** Every stack of a deployment, tagged, and checked by cdk-nag when the app is synthesised. */
export function createDeployment(
  app: App,
  settings: DeploymentSettings,
  code: DeploymentCode,
): Deployment {
  const data = new DataStack(app, settings);
  const edge = new EdgeStack(app, settings, data, code.edge);
  const gpu = new GpuStack(app, settings, data, code['package-check']);
  const api = new ApiStack(app, settings, { data, edge, gpu }, code);
  const webhooks = new WebhooksStack(app, settings, { data, api }, code.webhooks);
  const operations = new OperationsStack(
    app,
    settings,
    { data, edge, gpu, api, webhooks },
    code['kill-switch'],
  );
  edge.addStackDependency(data);
  for (const [name, value] of Object.entries(deploymentTags(settings)))
    Tags.of(app).add(name, value);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  return { data, edge, gpu, api, webhooks, operations };
}
