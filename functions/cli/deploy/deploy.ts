import { z } from 'zod';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { AppError } from '#shared/core/errors.ts';
import type { ModelSettings } from '#shared/deployment/model-settings.ts';
import { OUTPUTS, STACK_PARTS, type StackPart, stackName } from '#shared/deployment/names.ts';
import { type DeploymentSettings, NO_IMAGE } from '#shared/deployment/settings.ts';
import { readManifest } from '#shared/engine/package/manifest.ts';
import { readGpuPackage } from './gpu-package.ts';
import type { Finding } from './preflight.ts';
import { withoutQuota } from './without-quota.ts';

export interface DeployDeps {
  readonly preflight: () => Promise<readonly Finding[]>;
  /** `cdk bootstrap` of `aws://<account>/<region>`. */
  readonly bootstrap: (environment: string) => Promise<void>;
  /** `cdk deploy` of these stacks, with their dependencies left alone. */
  readonly deployStacks: (parts: readonly StackPart[]) => Promise<void>;
  /** A stack's outputs by name; undefined when the stack does not exist. */
  readonly stackOutputs: (name: string) => Promise<Readonly<Record<string, string>> | undefined>;
  readonly isPushed: (bucket: string, digest: string) => Promise<boolean>;
  readonly pushPackage: (folder: string, bucket: string) => Promise<void>;
  /** Puts the code of functions that draw where a synth finds it. */
  readonly stageDrawing: () => Promise<void>;
  /** Builds and pushes the image, and notes its digest for this and later synths. */
  readonly pushImage: (repositoryUri: string) => Promise<string>;
  /** Whether to build an image even if there is one. */
  readonly buildImage: boolean;
  /** Asks for an address to mail alarms to; undefined without a terminal to ask at, or an answer. */
  readonly askEmail: () => Promise<string | undefined>;
  /** Notes a setting for this and later synths. */
  readonly noteSetting: (key: string, value: string | boolean) => void;
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
  wanted: DeploymentSettings,
  folders: readonly string[],
): Promise<DeployResult> {
  // Folders first: a package that proves to be missing after the data stack has cost minutes.
  const packages = packagesByDigest(folders);
  await assertPackages(deps, wanted, packages);
  const findings = await deps.preflight();
  const settings = await settleCompute(deps, wanted, findings, folders);
  const isOnGpu = settings.models.some(hasInstances);
  for (const { digest } of settings.models.filter(hasInstances)) {
    const folder = packages.get(digest);
    if (folder !== undefined) readGpuPackage(folder);
  }
  heed(
    deps,
    findings.filter(
      ({ forGpu, bootstrap }) => (isOnGpu || forGpu === undefined) && bootstrap === undefined,
    ),
  );
  await settleEmail(deps, settings);

  for (const { bootstrap } of findings) {
    if (bootstrap === undefined) continue;
    deps.say(`bootstrap of ${bootstrap}, once for an account and region`);
    await deps.bootstrap(bootstrap);
  }
  if (!settings.models.every(hasInstances)) {
    deps.say('code of the function that draws');
    await deps.stageDrawing();
  }
  deps.say('data stack');
  await deps.deployStacks(['data']);
  const data = await requireOutputs(deps, settings, 'data');
  await pushMissing(deps, settings, packages, need(data, OUTPUTS.modelBucket));
  if (isOnGpu && (settings.imageDigest === NO_IMAGE || deps.buildImage)) {
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

/** Without a quota for GPUs, models that fit are drawn by a function; the account's own context says so. */
async function settleCompute(
  deps: DeployDeps,
  settings: DeploymentSettings,
  findings: readonly Finding[],
  folders: readonly string[],
): Promise<DeploymentSettings> {
  const manifests = folders.map((folder) => readManifest(folder));
  const byDigest = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
  const changed = withoutQuota(settings, findings, byDigest);
  if (changed === undefined) return settings;
  deps.say(
    'this account has no quota for a GPU yet: the model runs on Lambda, on a CPU. For a GPU later, ask for the quota ("onestep preflight" shows the command), take onestep:models out of cdk.context.json and deploy again.',
  );
  deps.noteSetting('models', JSON.stringify(changed.models));
  return changed;
}

/** @throws AppError `file-not-found` for a model whose package is neither at hand nor in the bucket */
async function assertPackages(
  deps: DeployDeps,
  settings: DeploymentSettings,
  packages: ReadonlyMap<string, string>,
): Promise<void> {
  const missing = settings.models.filter(({ digest }) => !packages.has(digest));
  if (missing.length === 0) return;
  const outputs = await deps.stackOutputs(stackName(settings.stage, 'data'));
  const bucket = outputs?.[OUTPUTS.modelBucket];
  for (const model of missing) {
    const isThere = bucket !== undefined && (await deps.isPushed(bucket, model.digest));
    if (!isThere) throw noPackage(model, bucket, packages);
  }
}

function noPackage(
  { name, digest }: ModelSettings,
  bucket: string | undefined,
  packages: ReadonlyMap<string, string>,
): AppError {
  const where = bucket === undefined ? 'in a bucket' : `in s3://${bucket}`;
  const given = [...packages].map(([found, path]) => `; ${path} is ${found}`).join('');
  return new AppError(
    'file-not-found',
    `The package of ${name} (digest ${digest}) is neither ${where} nor among the folders given${given}. Import it and run "onestep deploy FOLDER" again, or set its digest in cdk.json.`,
  );
}

/** @throws AppError `invalid-request` with what stands in the way; says what only may later */
function heed(deps: DeployDeps, findings: readonly Finding[]): void {
  const failed = findings.filter(({ ok }) => !ok);
  if (failed.length > 0) throw new AppError('invalid-request', describeFindings(failed));
  for (const { warns, says, command, setting } of findings) {
    if (warns === true)
      deps.say(`warning: ${says}${command === undefined ? '' : `\n   ${command}`}`);
    if (setting !== undefined) deps.noteSetting(...setting);
  }
}

/**
 * Without an address, the kill switch acts unseen.
 *
 * @throws AppError `invalid-request` for an answer that is no address: noted, it would fail each later synth
 */
async function settleEmail(deps: DeployDeps, settings: DeploymentSettings): Promise<void> {
  if (settings.alarmEmail !== undefined) return;
  const email = await deps.askEmail();
  if (email === undefined) {
    deps.say(
      'warning: no mail is sent when an alarm goes off or the kill switch acts. Set onestep:alarmEmail in cdk.json.',
    );
  } else if (z.email().safeParse(email).success) {
    deps.noteSetting('alarmEmail', email);
  } else {
    throw new AppError(
      'invalid-request',
      `${email} is not an e-mail address. Run "onestep deploy" again.`,
    );
  }
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
      throw noPackage(model, bucket, packages);
    }
  }
}

/** @throws AppError `file-not-found` for a folder that is no model package */
function packagesByDigest(folders: readonly string[]): Map<string, string> {
  return new Map(folders.map((folder) => [readManifest(folder).digest, folder]));
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
