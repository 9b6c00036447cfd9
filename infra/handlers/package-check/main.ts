import { DescribeImagesCommand, ECRClient, ImageNotFoundException } from '@aws-sdk/client-ecr';
import { HeadObjectCommand, NotFound, S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { defined } from '#shared/core/defined.ts';
import { answerCloudFormation } from './answer-cloudformation.ts';
import { checkPushed } from './check-pushed.ts';

const EventSchema = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResponseURL: z.url(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  PhysicalResourceId: z.string().optional(),
  ResourceProperties: z.object({
    Bucket: z.string(),
    Manifests: z.array(z.string()),
    Repository: z.string(),
    ImageDigest: z.string().optional(),
  }),
});

const s3 = new S3Client({});
const ecr = new ECRClient({});

async function objectExists(bucket: string, key: string): Promise<boolean> {
  try {
    await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return true;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
}

async function describeImage(repository: string, digest: string) {
  try {
    return await ecr.send(
      new DescribeImagesCommand({
        repositoryName: repository,
        imageIds: [{ imageDigest: digest }],
      }),
    );
  } catch (error) {
    if (error instanceof ImageNotFoundException) return undefined;
    throw error;
  }
}

/** A CloudFormation custom resource that fails with one sentence while something is not pushed. */
export async function handler(input: unknown): Promise<void> {
  const event = EventSchema.parse(input);
  const { Bucket, Manifests, Repository, ImageDigest } = event.ResourceProperties;
  let problem: string | undefined;
  try {
    problem =
      event.RequestType === 'Delete'
        ? undefined
        : await checkPushed(
            { objectExists, describeImage },
            {
              bucket: Bucket,
              manifests: Manifests,
              repository: Repository,
              ...defined({ imageDigest: ImageDigest }),
            },
          );
  } catch (error) {
    problem = `Could not look whether the model packages are there: ${error instanceof Error ? error.message : String(error)}`;
  }
  await answerCloudFormation(fetch, event, problem);
}
