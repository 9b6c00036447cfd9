import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import type { RunCommand } from './run-command.ts';

export interface PushImageDeps {
  readonly run: RunCommand;
  /** User and password for `docker login`. */
  readonly registryLogin: () => Promise<{ readonly user: string; readonly password: string }>;
}

/**
 * Builds the GPU function's image and pushes it.
 *
 * The manifest has to be Docker's v2: SageMaker refuses OCI's, and attestations would make it one. The
 * software bill of materials is written beside the build and not attached, for the same reason.
 *
 * @param repositoryUri `<account>.dkr.ecr.<region>.amazonaws.com/<name>`
 * @returns the digest, `sha256:…`, which the deployment names the image by
 */
export async function pushImage(
  deps: PushImageDeps,
  projectFolder: string,
  repositoryUri: string,
  tag: string,
): Promise<string> {
  const reference = `${repositoryUri}:${tag}`;
  const [registry = ''] = repositoryUri.split('/');
  const { user, password } = await deps.registryLogin();
  const here = { cwd: projectFolder };
  await deps.run('docker', ['login', '--username', user, '--password-stdin', registry], {
    ...here,
    input: password,
  });
  await deps.run(
    'docker',
    [
      ...['buildx', 'build', '--platform', 'linux/amd64', '--provenance=false', '--sbom=false'],
      ...['--output', 'type=docker', '--tag', reference],
      ...['--file', join('functions', 'gpu', 'Dockerfile'), '.'],
    ],
    here,
  );
  await deps.run('docker', ['push', reference], here);
  const printed = await deps.run(
    'docker',
    ['image', 'inspect', '--format', '{{json .RepoDigests}}', reference],
    { ...here, capture: true },
  );
  const digests = JSON.parse(printed) as string[];
  const digest = digests.find((text) => text.startsWith(`${repositoryUri}@`))?.split('@')[1];
  if (digest === undefined) {
    throw new AppError(
      'unavailable',
      `Docker does not say which digest ${reference} was pushed as.`,
    );
  }
  return digest;
}
