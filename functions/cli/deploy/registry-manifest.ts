import { AppError } from '#shared/core/errors.ts';

/** Every type that an image's manifest may have; the registry answers with the one that it holds. */
const ACCEPTED = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
].join(', ');

export interface RegistryManifest {
  readonly digest: string;
  readonly mediaType: string;
}

/**
 * What a registry holds under an image's name: builders differ in what they call its digest.
 *
 * @param reference `REGISTRY/NAME:TAG`
 * @throws AppError `unavailable` when it is not there
 */
export async function registryManifest(
  reference: string,
  login: { readonly user: string; readonly password: string },
  fetcher: typeof fetch = fetch,
): Promise<RegistryManifest> {
  const [, host = '', name = '', tag = ''] = /^([^/]+)\/(.+):([^:/]+)$/.exec(reference) ?? [];
  // As Docker does: only a registry on this machine is spoken to in plain text.
  const scheme = /^(localhost|127\.\d+\.\d+\.\d+)(:\d+)?$/.test(host) ? 'http' : 'https';
  const credentials = Buffer.from(`${login.user}:${login.password}`).toString('base64');
  const answer = await fetcher(`${scheme}://${host}/v2/${name}/manifests/${tag}`, {
    method: 'HEAD',
    headers: { accept: ACCEPTED, authorization: `Basic ${credentials}` },
    signal: AbortSignal.timeout(60_000),
  });
  const digest = answer.headers.get('docker-content-digest');
  const mediaType = answer.headers.get('content-type');
  if (answer.ok && digest !== null && mediaType !== null) return { digest, mediaType };
  throw new AppError(
    'unavailable',
    `${reference} was pushed, but the registry answers ${answer.status} when asked for it. Push it again.`,
  );
}
