import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import type { registryManifest } from './registry-manifest.ts';
import type { RunCommand } from './run-command.ts';

export interface PushImageDeps {
  readonly run: RunCommand;
  /** User and password for `docker login`. */
  readonly registryLogin: () => Promise<{ readonly user: string; readonly password: string }>;
  /** What the registry holds under the name that was pushed. */
  readonly manifestOf: typeof registryManifest;
}

/** Build arguments, such as another base for the image: `{ CUDA_IMAGE: 'nvidia/cuda@sha256:…' }`. */
export type BuildArguments = Readonly<Record<string, string>>;

/** SageMaker refuses any other manifest, OCI's among them. */
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/**
 * Builds the GPU function's image and pushes it.
 *
 * BuildKit writes OCI manifests unless told not to, and attestations would make one of those an index: the
 * software bill of materials is written beside the build for that reason. The image is built first and
 * pushed by a second call, from the cache, so that a wrong manifest is found before gigabytes are sent.
 *
 * @param repositoryUri `<account>.dkr.ecr.<region>.amazonaws.com/<name>`
 * @returns the digest, `sha256:…`, which the deployment names the image by
 */
export async function pushImage(
  deps: PushImageDeps,
  projectFolder: string,
  repositoryUri: string,
  tag: string,
  buildArguments: BuildArguments = {},
): Promise<string> {
  const reference = `${repositoryUri}:${tag}`;
  const [registry = ''] = repositoryUri.split('/');
  const login = await deps.registryLogin();
  const { user, password } = login;
  await deps.run('docker', ['login', '--username', user, '--password-stdin', registry], {
    cwd: projectFolder,
    input: password,
  });
  const folder = await mkdtemp(join(tmpdir(), 'onestep-image-'));
  try {
    const build = async (push: boolean) => {
      const metadata = join(folder, `${push}.json`);
      const words = buildWords(reference, push, metadata, buildArguments);
      await deps.run('docker', words, { cwd: projectFolder });
      return readMediaType(metadata);
    };
    assertDockerManifest(reference, await build(false));
    await build(true);
    const pushed = await deps.manifestOf(reference, login);
    assertDockerManifest(reference, pushed.mediaType);
    return pushed.digest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function buildWords(
  reference: string,
  push: boolean,
  metadata: string,
  buildArguments: BuildArguments,
): string[] {
  return [
    ...['buildx', 'build', '--platform', 'linux/amd64', '--provenance=false', '--sbom=false'],
    ...['--output', `type=image,name=${reference},oci-mediatypes=false,push=${push}`],
    ...['--metadata-file', metadata],
    ...Object.entries(buildArguments).flatMap(([name, value]) => [
      '--build-arg',
      `${name}=${value}`,
    ]),
    ...['--file', join('functions', 'gpu', 'Dockerfile'), '.'],
  ];
}

/** The manifest's type; undefined where the builder is Docker's own store, which knows only Docker's. */
async function readMediaType(path: string): Promise<string | undefined> {
  const metadata = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  const descriptor = metadata['containerimage.descriptor'] as { mediaType?: string } | undefined;
  return descriptor?.mediaType;
}

function assertDockerManifest(reference: string, mediaType: string | undefined): void {
  if (mediaType === undefined || mediaType === DOCKER_MANIFEST) return;
  throw new AppError(
    'unavailable',
    `${reference} was built with the media type ${mediaType}, which SageMaker refuses. Update docker buildx, or build with another builder ("docker buildx ls").`,
  );
}
