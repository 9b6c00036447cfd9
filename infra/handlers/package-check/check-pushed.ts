import type { DescribeImagesCommandOutput } from '@aws-sdk/client-ecr';

export interface CheckPushedDeps {
  /** Whether the object is there. */
  readonly objectExists: (bucket: string, key: string) => Promise<boolean>;
  readonly describeImage: (
    repository: string,
    digest: string,
  ) => Promise<DescribeImagesCommandOutput | undefined>;
}

export interface PushedThings {
  readonly bucket: string;
  /** Keys of the packages' manifests: written last, so that a manifest's presence means a whole package. */
  readonly manifests: readonly string[];
  readonly repository: string;
  /** Absent where nothing runs from an image. */
  readonly imageDigest?: string;
}

/** SageMaker refuses images with OCI media types; these are the ones that it takes. */
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/** Says in one sentence what is missing for the endpoints, or nothing when all is there. */
export async function checkPushed(
  deps: CheckPushedDeps,
  things: PushedThings,
): Promise<string | undefined> {
  for (const key of things.manifests) {
    if (!(await deps.objectExists(things.bucket, key))) {
      return `The model package s3://${things.bucket}/${key.replace('manifest.json', '')} has not been pushed. Run "onestep deploy", which pushes it between the data stack and the rest.`;
    }
  }
  if (things.imageDigest === undefined) return undefined;
  const described = await deps.describeImage(things.repository, things.imageDigest);
  const image = described?.imageDetails?.[0];
  if (image === undefined) {
    return `The repository ${things.repository} has no image ${things.imageDigest}. Run "onestep deploy", which builds and pushes it between the data stack and the rest.`;
  }
  if (image.imageManifestMediaType !== DOCKER_MANIFEST) {
    return `The image ${things.imageDigest} has the media type ${image.imageManifestMediaType}, which SageMaker refuses. Run "onestep deploy --build-image", which builds a Docker v2 manifest and pushes it.`;
  }
  return undefined;
}
