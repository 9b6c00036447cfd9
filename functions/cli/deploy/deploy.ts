import { AppError } from '#shared/core/errors.ts';
import { OUTPUTS, STACK_PARTS, type StackPart, stackName } from '#shared/deployment/names.ts';
import { type DeploymentSettings, NO_IMAGE } from '#shared/deployment/settings.ts';
import { readGpuPackage } from './gpu-package.ts';
import type { Finding } from './preflight.ts';

export interface DeployDeps {
  readonly preflight: () => Promise<readonly Finding[]>;
  /** `cdk deploy` of these stacks, with their dependencies left alone. */
  readonly deployStacks: (parts: readonly StackPart[]) => Promise<void>;
  /** A stack's outputs by name; undefined when the stack does not exist. */
  readonly stackOutputs: (name: string) => Promise<Readonly<Record<string, string>> | undefined>;
  readonly isPushed: (bucket: string, digest: string) => Promise<boolean>;
  readonly pushPackage: (folder: string, bucket: string) => Promise<void>;
  /** Builds and pushes the image, and notes its digest for this and later synths. */
  readonly pushImage: (repositoryUri: string) => Promise<string>;
  /** Whether to build an image even if there is one. */
  readonly buildImage: boolean;
  readonly say: (line: string) => void;
}

export interface DeployResult {
  readonly url: string;
  readonly functionUrl: string;
}

/**
 * Brings a deployment up, or up to date: data stack → model packages and image → the rest. Each step
 * first checks whether it is done, so after a failure the same command continues where it stopped.
 *
 * @param folders model packages, found by their digests
 * @throws AppError `invalid-request` that lists what preflight found
 */
export async function deploy(
  deps: DeployDeps,
  settings: DeploymentSettings,
  folders: readonly string[],
): Promise<DeployResult> {
  // Folders first: a package that proves to be missing after the data stack has cost minutes.
  const packages = packagesByDigest(folders);
  const failed = (await deps.preflight()).filter((finding) => !finding.ok);
  if (failed.length > 0) throw new AppError('invalid-request', describeFindings(failed));

  deps.say('data stack');
  await deps.deployStacks(['data']);
  const data = await requireOutputs(deps, settings, 'data');
  await pushMissing(deps, settings, packages, need(data, OUTPUTS.modelBucket));
  if (settings.imageDigest === NO_IMAGE || deps.buildImage) {
    deps.say('image of the GPU function');
    const digest = await deps.pushImage(need(data, OUTPUTS.repositoryUri));
    deps.say(`image ${digest}`);
  }

  const rest = STACK_PARTS.filter((part) => part !== 'data');
  deps.say(rest.join(', '));
  await deps.deployStacks(rest);
  const api = await requireOutputs(deps, settings, 'api');
  return { url: need(api, OUTPUTS.url), functionUrl: need(api, OUTPUTS.functionUrl) };
}

async function pushMissing(
  deps: DeployDeps,
  settings: DeploymentSettings,
  packages: ReadonlyMap<string, string>,
  bucket: string,
): Promise<void> {
  for (const model of settings.models) {
    const folder = packages.get(model.digest);
    if (folder !== undefined) {
      deps.say(`${model.name}: ${folder} → s3://${bucket}/models/${model.digest}/`);
      await deps.pushPackage(folder, bucket);
    } else if (await deps.isPushed(bucket, model.digest)) {
      deps.say(`${model.name}: in the bucket already`);
    } else {
      throw new AppError(
        'file-not-found',
        `The package of ${model.name} (digest ${model.digest}) is neither in s3://${bucket} nor among the folders given${[...packages].map(([digest, path]) => `; ${path} is ${digest}`).join('')}. Import it and run "onestep deploy FOLDER" again, or set its digest in cdk.json.`,
      );
    }
  }
}

/** @throws AppError `file-not-found` for a folder that is no model package, or none for a GPU */
function packagesByDigest(folders: readonly string[]): Map<string, string> {
  return new Map(folders.map((folder) => [readGpuPackage(folder).digest, folder]));
}

async function requireOutputs(
  deps: DeployDeps,
  settings: DeploymentSettings,
  part: StackPart,
): Promise<Readonly<Record<string, string>>> {
  const name = stackName(settings.stage, part);
  const outputs = await deps.stackOutputs(name);
  if (outputs !== undefined) return outputs;
  throw new AppError('unavailable', `The stack ${name} is not there. Run "onestep deploy" first.`);
}

function need(outputs: Readonly<Record<string, string>>, name: string): string {
  const value = outputs[name];
  if (value === undefined) {
    throw new AppError('unavailable', `A stack has no output ${name}. Run "onestep deploy" again.`);
  }
  return value;
}

/** Each finding on a line, with the command that fixes it on the next. */
export function describeFindings(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ says, command }) =>
    command === undefined ? [`  ${says}`] : [`  ${says}`, `    ${command}`],
  );
  return `The deployment cannot succeed yet:\n${lines.join('\n')}`;
}
