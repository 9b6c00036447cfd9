import type { Role } from 'aws-cdk-lib/aws-iam';
import { acknowledge } from './acknowledge.ts';
import { allow } from './allow.ts';
import { type BucketReference, objectArn } from './bucket-reference.ts';

/** Lets a role do these actions on the objects under these prefixes, and on no others. */
export function grantObjects(
  role: Role,
  bucket: BucketReference,
  actions: readonly string[],
  prefixes: readonly string[],
): void {
  const arns = prefixes.map((prefix) => objectArn(bucket, `${prefix}*`));
  allow(role, actions, arns);
  for (const [index, arn] of arns.entries()) {
    const flat = String(role.stack.resolve(arn)['Fn::Join'][1].map(flatten).join(''));
    acknowledge(
      role,
      `Objects under ${prefixes[index]} are named by job or digest at run time: prefix and actions (${actions.join(', ')}) are the narrowest grant.`,
      `AwsSolutions-IAM5[Resource::${flat}]`,
    );
  }
}

/**
 * Lets a role see which objects there are under the prefixes: without it S3 answers 403, and not 404,
 * for an object that is not there.
 */
export function grantListing(
  role: Role,
  bucket: BucketReference,
  prefixes: readonly string[],
): void {
  allow(role, ['s3:ListBucket'], [bucket.bucketArn], {
    StringLike: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) },
  });
}

/** A piece of a name as cdk-nag writes it: `<AWS::AccountId>` for a reference. */
function flatten(piece: string | { readonly Ref: string }): string {
  return typeof piece === 'string' ? piece : `<${piece.Ref}>`;
}
