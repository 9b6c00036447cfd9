import type { DeploymentSettings } from './settings.ts';

/** Names that more than one stack, or a stack and a command, must agree on. */

export const PROJECT = 'onestep';

/** Every stack, in the order of deployment: each needs only those before it. */
export const STACK_PARTS = ['data', 'edge', 'gpu', 'api', 'webhooks', 'operations'] as const;
export type StackPart = (typeof STACK_PARTS)[number];

/** The name of a stack, such as `onestep-dev-gpu`. */
export function stackName(stage: DeploymentSettings['stage'], part: StackPart): string {
  return `${PROJECT}-${stage}-${part}`;
}

/**
 * The name of a model's endpoint. Fixed, so that its log group, its alarms and the grants on it are
 * known before it exists: `onestep-dev-stabilityai-sdxl` for `stabilityai/sdxl`.
 */
export function endpointName(stage: DeploymentSettings['stage'], model: string): string {
  const slug = model.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  return `${PROJECT}-${stage}-${slug}`.slice(0, 63).replace(/-$/, '');
}

/** The one production variant of each endpoint. */
export const VARIANT_NAME = 'gpu';

/** The secret of the API keys' MACs. By name, because the edge function is bundled before it exists. */
export function macSecretName(stage: DeploymentSettings['stage']): string {
  return `${PROJECT}-${stage}-mac`;
}

/** The repository of the GPU function's image. */
export function repositoryName(stage: DeploymentSettings['stage']): string {
  return `${PROJECT}-${stage}-gpu`;
}

/** The project that builds images and packages in the account. */
export function buildProjectName(stage: DeploymentSettings['stage']): string {
  return `${PROJECT}-${stage}-build`;
}

/** Where the code of functions that draw is staged, in the project's folder. */
export const DRAWING_FOLDER = '.onestep/drawing-function';

/** The folder of a model package in the model bucket. */
export function modelPrefix(digest: string): string {
  return `models/${digest}/`;
}

/** Outputs of the stacks that the commands read. */
export const OUTPUTS = {
  table: 'TableName',
  modelBucket: 'ModelBucketName',
  outputBucket: 'OutputBucketName',
  repositoryUri: 'RepositoryUri',
  url: 'Url',
  functionUrl: 'FunctionUrl',
  endpointNames: 'EndpointNames',
  killSwitch: 'KillSwitchName',
} as const;
