import { Aws } from 'aws-cdk-lib';

/**
 * A bucket of the data stack as other stacks name it. By name and not by reference, so that a grant on
 * its objects reads `arn:aws:s3:::onestep-dev-outputs-…/outputs/*` in the template.
 */
export interface BucketReference {
  readonly bucketName: string;
  readonly bucketArn: string;
}

/** Names are the world's, so account and region are in them. */
export function bucketReference(stage: string, use: string, region: string): BucketReference {
  const bucketName = `onestep-${stage}-${use}-${Aws.ACCOUNT_ID}-${region}`;
  return { bucketName, bucketArn: `arn:aws:s3:::${bucketName}` };
}

/** The ARN of the object, or of all that match a pattern such as `outputs/*`. */
export function objectArn(bucket: BucketReference, pattern: string): string {
  return `${bucket.bucketArn}/${pattern}`;
}

/** `s3://bucket/prefix`. */
export function objectUrl(bucket: BucketReference, prefix: string): string {
  return `s3://${bucket.bucketName}/${prefix}`;
}
