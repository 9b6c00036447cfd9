import { Duration } from 'aws-cdk-lib';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CorsRule,
  HttpMethods,
  type IBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { defined } from '#shared/core/defined.ts';
import { acknowledge } from './acknowledge.ts';
import { stagePolicy } from './stage-policy.ts';

export interface PrivateBucketProps {
  readonly stage: 'dev' | 'prod';
  /** @default named by CloudFormation */
  readonly bucketName?: string;
  /** Where requests are logged; absent for the bucket of logs itself. */
  readonly accessLogs?: Bucket;
  /** @default false: an object is never overwritten with other contents */
  readonly versioned?: boolean;
  /** Whether pages of any origin may read objects by their signed URLs. */
  readonly readableByPages?: boolean;
  /** @default only unfinished uploads are removed, after a day */
  readonly lifecycle?: readonly LifecycleRule[];
  /** CloudFront's standard logs are written by ACL. @default ACLs are off */
  readonly aclLogs?: boolean;
}

/** Who has the signed URL may read the object anyway: the rule lets a script see what it got. */
const CORS_RULE: CorsRule = {
  allowedMethods: [HttpMethods.GET, HttpMethods.HEAD],
  allowedOrigins: ['*'],
  allowedHeaders: ['*'],
  exposedHeaders: ['Content-Disposition', 'Content-Length', 'Content-Range', 'ETag'],
  maxAge: 86_400,
};

/**
 * A bucket that nothing outside the account can read: no public access, TLS only, encrypted, its
 * requests logged, unfinished uploads removed. In `dev` it empties itself when deleted.
 */
export function createPrivateBucket(
  scope: Construct,
  id: string,
  props: PrivateBucketProps,
): Bucket {
  const policy = stagePolicy(props.stage);
  const bucket = new Bucket(scope, id, {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    encryption: BucketEncryption.S3_MANAGED,
    objectOwnership:
      props.aclLogs === true
        ? ObjectOwnership.BUCKET_OWNER_PREFERRED
        : ObjectOwnership.BUCKET_OWNER_ENFORCED,
    versioned: props.versioned ?? false,
    ...(props.readableByPages === true && { cors: [CORS_RULE] }),
    removalPolicy: policy.removal,
    autoDeleteObjects: !policy.protect,
    lifecycleRules: [
      { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ...(props.lifecycle ?? []),
    ],
    ...defined({
      bucketName: props.bucketName,
      serverAccessLogsBucket: props.accessLogs as IBucket | undefined,
      serverAccessLogsPrefix: props.accessLogs && `${id}/`,
    }),
  });
  if (props.accessLogs === undefined) {
    acknowledge(
      bucket,
      'This bucket holds access logs: logging its own requests would write logs about logs for ever.',
      'AwsSolutions-S1',
    );
  }
  return bucket;
}
