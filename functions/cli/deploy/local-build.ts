import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import type { Built, Wanted } from './account-build.ts';
import type { Places } from './deploy.ts';
import type { RunCommand } from './run-command.ts';

export interface LocalBuildDeps {
  readonly run: RunCommand;
  readonly project: string;
  /** The command line's own program. */
  readonly launcher: string;
  readonly pushImage: (repositoryUri: string) => Promise<string>;
  readonly pushPackage: (folder: string, bucket: string) => Promise<void>;
}

/** Makes image and package on this machine, with its Docker and its disk. */
export async function buildLocally(
  deps: LocalBuildDeps,
  { repositoryUri, bucket }: Places,
  { image, model }: Wanted,
): Promise<Built> {
  const imageDigest = image ? { imageDigest: await deps.pushImage(repositoryUri) } : {};
  if (model === undefined) return imageDigest;
  const folder = join(
    deps.project,
    '.onestep',
    'for-gpu',
    model.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
  );
  const words = [deps.launcher, 'import', model, '--dtype', 'fp16', '--out', folder];
  const said = await deps.run(process.execPath, words, { cwd: deps.project, capture: true });
  const modelDigest = said.trim().split('\n').at(-1) ?? '';
  if (!/^[0-9a-f]{64}$/.test(modelDigest)) {
    throw new AppError('unavailable', `The import of ${model} named no digest. Run it again.`);
  }
  await deps.pushPackage(folder, bucket);
  return { ...imageDigest, modelDigest };
}
