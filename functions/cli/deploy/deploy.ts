import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { AppError } from '#shared/core/errors.ts';
import type { ModelSettings } from '#shared/deployment/model-settings.ts';
import { OUTPUTS, STACK_PARTS, type StackPart, stackName } from '#shared/deployment/names.ts';
import { type DeploymentSettings, NO_IMAGE } from '#shared/deployment/settings.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';
import type { Built, Wanted } from './account-build.ts';
import { readGpuPackage } from './gpu-package.ts';
import {
  assertPackages,
  type PackageDeps,
  type Packages,
  packagesByDigest,
  pushMissing,
} from './packages.ts';
import { importedModel, plannedModel, withModel } from './planned-model.ts';
import type { Finding } from './preflight.ts';
import { withoutQuota } from './without-quota.ts';

/** What of the data stack is built to and pushed to. */
export interface Places {
  readonly repositoryUri: string;
  readonly bucket: string;
}

export interface DeployDeps extends PackageDeps {
  readonly preflight: (settings: DeploymentSettings) => Promise<readonly Finding[]>;
  /** `cdk bootstrap` of `aws://<account>/<region>`. */
  readonly bootstrap: (environment: string) => Promise<void>;
  /** `cdk deploy` of these stacks, with their dependencies left alone. */
  readonly deployStacks: (parts: readonly StackPart[]) => Promise<void>;
  /** Puts the code of functions that draw where a synth finds it. */
  readonly stageDrawing: () => Promise<void>;
  /** Whether the repository still has the image. */
  readonly hasImage: (repositoryUri: string, digest: string) => Promise<boolean>;
  /** Makes image and package, in the account or here, and puts them into their places. */
  readonly build: (places: Places, wanted: Wanted) => Promise<Built>;
  /** The manifest of a package in the bucket. */
  readonly readPushed: (bucket: string, digest: string) => Promise<Manifest>;
  /** Whether to build an image even if there is one. */
  readonly buildImage: boolean;
  /** Notes settings for this and later synths: all of them or none. */
  readonly note: (notes: Readonly<Record<string, unknown>>) => void;
  /** Runs a step, and says when it begins and how long it took. */
  readonly step: <T>(title: string, work: () => Promise<T>) => Promise<T>;
}

export interface DeployResult {
  readonly url: string;
  readonly functionUrl: string;
}

/**
 * Brings a deployment up, or up to date: data stack → image and model packages → the rest. What is done
 * is seen by its traces in the account and in the notes, so after a failure, or a kill, the same command
 * continues where it stopped.
 *
 * @param folders model packages, found by their digests
 * @throws AppError `invalid-request` that lists what preflight found
 */
export async function deploy(
  deps: DeployDeps,
  wanted: DeploymentSettings,
  folders: readonly string[],
): Promise<DeployResult> {
  const importing = wanted.importing;
  // Folders first: a package that proves to be missing after the data stack has cost minutes.
  const packages = packagesByDigest(folders);
  const kept = importing === undefined ? wanted.models : await keptModels(deps, wanted, packages);
  await assertPackages(deps, wanted, kept, packages);
  const planned =
    importing === undefined ? kept : withModel(kept, plannedModel(importing, wanted.models));
  let settings = { ...wanted, models: [...planned] };
  const findings = await deps.step('quotas and credentials', () => deps.preflight(settings));
  settings = settleCompute(deps, settings, findings, packages);
  const isOnGpu = settings.models.some(hasInstances);
  for (const { digest } of settings.models.filter(hasInstances)) {
    const folder = packages.get(digest)?.folder;
    if (folder !== undefined) readGpuPackage(folder);
  }
  heed(
    deps,
    findings.filter(
      ({ forGpu, bootstrap }) => (isOnGpu || forGpu === undefined) && bootstrap === undefined,
    ),
    importing,
  );
  warnWithoutEmail(deps, settings);
  await prepare(deps, settings, findings);

  await deps.step('data stack', () => deps.deployStacks(['data']));
  const data = await requireOutputs(deps, settings, 'data');
  const bucket = need(data, OUTPUTS.modelBucket);
  const repositoryUri = need(data, OUTPUTS.repositoryUri);
  const image = isOnGpu && (await lacksImage(deps, settings, repositoryUri));
  if (image || importing !== undefined) {
    const title = [image && 'image', importing].filter(Boolean).join(' and ');
    const things = { image, model: importing };
    const built = await deps.step(title, () => deps.build({ repositoryUri, bucket }, things));
    settings = await noteBuilt(deps, settings, kept, bucket, built);
  }
  await deps.step('model packages', () => pushMissing(deps, settings.models, packages, bucket));

  const rest = STACK_PARTS.filter((part) => part !== 'data');
  await deps.step(`stacks ${rest.join(', ')}`, () => deps.deployStacks(rest));
  const api = await requireOutputs(deps, settings, 'api');
  return { url: need(api, OUTPUTS.url), functionUrl: need(api, OUTPUTS.functionUrl) };
}

/** What a deployment keeps when a model comes to it: everything, but cdk.json's example before the first. */
async function keptModels(
  deps: DeployDeps,
  { stage, models }: DeploymentSettings,
  packages: Packages,
): Promise<readonly ModelSettings[]> {
  const isDeployed = (await deps.stackOutputs(stackName(stage, 'api'))) !== undefined;
  return isDeployed ? models : models.filter(({ digest }) => packages.has(digest));
}

/** Bootstrap where there was none, and the code of functions that draw. */
async function prepare(
  deps: DeployDeps,
  settings: DeploymentSettings,
  findings: readonly Finding[],
): Promise<void> {
  for (const { bootstrap } of findings) {
    if (bootstrap === undefined) continue;
    await deps.step(`bootstrap of ${bootstrap}, once for an account and region`, () =>
      deps.bootstrap(bootstrap),
    );
  }
  if (settings.models.every(hasInstances)) return;
  await deps.step('code of the function that draws', deps.stageDrawing);
}

async function lacksImage(
  deps: DeployDeps,
  { imageDigest }: DeploymentSettings,
  repositoryUri: string,
): Promise<boolean> {
  if (deps.buildImage || imageDigest === NO_IMAGE) return true;
  return !(await deps.hasImage(repositoryUri, imageDigest));
}

/** Notes what was built; the model with its package's own name, and no longer as one to be imported. */
async function noteBuilt(
  deps: DeployDeps,
  settings: DeploymentSettings,
  kept: readonly ModelSettings[],
  bucket: string,
  { imageDigest, modelDigest }: Built,
): Promise<DeploymentSettings> {
  if (imageDigest !== undefined) deps.say(`   image ${imageDigest}`);
  if (modelDigest === undefined) {
    deps.note({ imageDigest });
    return { ...settings, imageDigest: imageDigest ?? settings.imageDigest };
  }
  const manifest = await deps.readPushed(bucket, modelDigest);
  const model = importedModel(manifest, settings.models);
  const models = withModel(kept, model);
  deps.say(`   ${model.name}, digest ${modelDigest}`);
  deps.note({
    ...(imageDigest !== undefined && { imageDigest }),
    models: JSON.stringify(models),
    importing: undefined,
  });
  return { ...settings, models: [...models], imageDigest: imageDigest ?? settings.imageDigest };
}

/** Without a quota for GPUs, models that fit are drawn by a function; the account's own context says so. */
function settleCompute(
  deps: DeployDeps,
  settings: DeploymentSettings,
  findings: readonly Finding[],
  packages: Packages,
): DeploymentSettings {
  const manifests = [...packages].map(([digest, { manifest }]) => [digest, manifest] as const);
  const changed = withoutQuota(settings, findings, new Map(manifests));
  if (changed === undefined) return settings;
  deps.say(
    '   this account has no quota for a GPU yet: the model runs on Lambda, on a CPU. For a GPU model later, ask for the quota ("onestep preflight" shows the command) and run "onestep deploy --model OWNER/NAME".',
  );
  deps.note({ models: JSON.stringify(changed.models) });
  return changed;
}

/** @throws AppError `invalid-request` with what stands in the way; says what only may later */
function heed(deps: DeployDeps, findings: readonly Finding[], importing?: string): void {
  const failed = findings.filter(({ ok }) => !ok);
  const isQuota = failed.some(({ forGpu }) => forGpu === 'quota');
  const hint =
    isQuota && importing !== undefined
      ? '\nUntil there is a GPU, the demo model runs on a CPU: "onestep deploy --model demo".'
      : '';
  if (failed.length > 0) throw new AppError('invalid-request', describeFindings(failed) + hint);
  for (const { warns, says, command, setting } of findings) {
    if (warns === true)
      deps.say(`   warning: ${says}${command === undefined ? '' : `\n   ${command}`}`);
    if (setting !== undefined) deps.note({ [setting[0]]: setting[1] });
  }
}

/** Without an address, the kill switch acts unseen. */
function warnWithoutEmail(deps: DeployDeps, { alarmEmail }: DeploymentSettings): void {
  if (alarmEmail !== undefined) return;
  deps.say(
    '   warning: no mail is sent when an alarm goes off or the kill switch acts. Set an address: "onestep deploy --email ADDRESS".',
  );
}

async function requireOutputs(
  deps: DeployDeps,
  settings: DeploymentSettings,
  part: StackPart,
): Promise<Readonly<Record<string, string>>> {
  const name = stackName(settings.stage, part);
  const outputs = await deps.stackOutputs(name);
  if (outputs !== undefined) return outputs;
  throw new AppError('unavailable', `The stack ${name} is not there. Run "onestep deploy" again.`);
}

function need(outputs: Readonly<Record<string, string>>, name: string): string {
  const value = outputs[name];
  if (value === undefined) {
    throw new AppError('unavailable', `A stack has no output ${name}. Run "onestep deploy" again.`);
  }
  return value;
}

/** Each finding on a line, with the command that fixes it on the next. */
function describeFindings(findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ says, command }) =>
    command === undefined ? [`  ${says}`] : [`  ${says}`, `    ${command}`],
  );
  return `The deployment cannot succeed yet:\n${lines.join('\n')}`;
}
