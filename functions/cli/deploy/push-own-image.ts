import { randomBytes } from '#functions/local/random-bytes.ts';
import { systemClock } from '#shared/core/clock.ts';
import { createUlid } from '#shared/core/ids.ts';
import { registryLogin } from './aws.ts';
import { PROJECT_FOLDER } from './project.ts';
import { pushImage } from './push-image.ts';
import { registryManifest } from './registry-manifest.ts';
import { runCommand } from './run-command.ts';

/** Variables of the environment that name other bases for the image, such as pinned ones. */
const BASES = ['NODE_IMAGE', 'PYTHON_IMAGE', 'CUDA_IMAGE', 'CUDA_BASE_IMAGE', 'CUDA_LIBRARIES'];

/**
 * Builds this project's image with the Docker of this machine and pushes it, under a tag of its own.
 *
 * @returns its digest
 */
export function pushOwnImage(
  region: string,
  repositoryUri: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const deps = {
    run: runCommand,
    registryLogin: () => registryLogin(region),
    manifestOf: registryManifest,
  };
  const bases = Object.fromEntries(
    BASES.flatMap((name) => {
      const image = env[name];
      return image === undefined ? [] : [[name, image]];
    }),
  );
  const tag = createUlid(systemClock, randomBytes);
  return pushImage(deps, PROJECT_FOLDER, repositoryUri, tag, bases);
}
