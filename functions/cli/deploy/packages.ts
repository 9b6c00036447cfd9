import { AppError } from '#shared/core/errors.ts';
import type { ModelSettings } from '#shared/deployment/model-settings.ts';
import { OUTPUTS, stackName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { type Manifest, readManifest } from '#shared/engine/package/manifest.ts';

export interface PackageDeps {
  /** A stack's outputs by name; undefined when the stack does not exist. */
  readonly stackOutputs: (name: string) => Promise<Readonly<Record<string, string>> | undefined>;
  readonly isPushed: (bucket: string, digest: string) => Promise<boolean>;
  readonly pushPackage: (folder: string, bucket: string) => Promise<void>;
  readonly say: (line: string) => void;
}

/** A package on this disk. */
export interface Package {
  readonly folder: string;
  readonly manifest: Manifest;
}
export type Packages = ReadonlyMap<string, Package>;

/** @throws AppError `file-not-found` for a folder that is no model package */
export function packagesByDigest(folders: readonly string[]): Packages {
  return new Map(
    folders.map((folder) => {
      const manifest = readManifest(folder);
      return [manifest.digest, { folder, manifest }];
    }),
  );
}

/** @throws AppError `file-not-found` for a model whose package is neither at hand nor in the bucket */
export async function assertPackages(
  deps: PackageDeps,
  settings: DeploymentSettings,
  models: readonly ModelSettings[],
  packages: Packages,
): Promise<void> {
  const missing = models.filter(({ digest }) => !packages.has(digest));
  if (missing.length === 0) return;
  const outputs = await deps.stackOutputs(stackName(settings.stage, 'data'));
  const bucket = outputs?.[OUTPUTS.modelBucket];
  for (const model of missing) {
    const isThere = bucket !== undefined && (await deps.isPushed(bucket, model.digest));
    if (!isThere) throw noPackage(model, bucket, packages);
  }
}

/** Uploads the packages at hand; those in the bucket stay. */
export async function pushMissing(
  deps: PackageDeps,
  models: readonly ModelSettings[],
  packages: Packages,
  bucket: string,
): Promise<void> {
  for (const model of models) {
    const folder = packages.get(model.digest)?.folder;
    if (folder !== undefined) {
      deps.say(`   ${model.name}: ${folder} → s3://${bucket}/models/${model.digest}/`);
      await deps.pushPackage(folder, bucket);
    } else if (await deps.isPushed(bucket, model.digest)) {
      deps.say(`   ${model.name}: in the bucket already`);
    } else {
      throw noPackage(model, bucket, packages);
    }
  }
}

function noPackage(
  { name, digest }: ModelSettings,
  bucket: string | undefined,
  packages: Packages,
): AppError {
  const where = bucket === undefined ? 'in a bucket' : `in s3://${bucket}`;
  const given = [...packages].map(([found, { folder }]) => `; ${folder} is ${found}`).join('');
  return new AppError(
    'file-not-found',
    `The package of ${name} (digest ${digest}) is neither ${where} nor among the folders given${given}. Import it and run "onestep deploy FOLDER" again, let the account make it ("onestep deploy --model OWNER/NAME"), or set its digest in cdk.json.`,
  );
}
