import { describe, expect, it } from 'vitest';
import { statementsOf } from '#test/helpers/iam-statements.ts';
import { everyResource, Match, resourcesOf } from '#test/helpers/synthesise.ts';
import { dev, prod } from './templates.ts';

describe('storage', () => {
  it('#16 closes every bucket, with TLS, encryption, lifecycle, logs; none empties itself in prod', () => {
    for (const [made, empties] of [
      [dev, true],
      [prod, false],
    ] as const) {
      const buckets = everyResource(made, 'AWS::S3::Bucket');
      expect(buckets).toHaveLength(4);
      for (const [part, id, { Properties }] of buckets) {
        expect(Properties.PublicAccessBlockConfiguration, id).toEqual({
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        });
        expect(Properties.BucketEncryption, id).toBeDefined();
        // Only pictures, which links are handed out for, may be read by pages of other origins.
        const methods = Properties.CorsConfiguration?.CorsRules[0].AllowedMethods;
        expect(methods, id).toEqual(id.startsWith('Outputs') ? ['GET', 'HEAD'] : undefined);
        expect(JSON.stringify(Properties.LifecycleConfiguration), id).toContain(
          'AbortIncompleteMultipartUpload',
        );
        const policies = JSON.stringify(resourcesOf(made.templates[part], 'AWS::S3::BucketPolicy'));
        expect(policies).toContain('aws:SecureTransport');
        const logged = Properties.LoggingConfiguration !== undefined;
        expect(logged, id).toBe(!/Logs/.test(id));
      }
      expect(everyResource(made, 'Custom::S3AutoDeleteObjects').length > 0).toBe(empties);
    }
    dev.templates.data.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ Prefix: 'outputs/', ExpirationInDays: 9 }),
          Match.objectLike({ Prefix: 'fail/', ExpirationInDays: 7 }),
        ]),
      },
    });
  });

  it('#17 lets only the functions that sign downloads read outputs, by signatures of 15 minutes at most', () => {
    dev.templates.data.hasResourceProperties('AWS::S3::BucketPolicy', {
      Bucket: { Ref: 'OutputsA3C868EE' },
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Action: 's3:GetObject',
            Principal: { AWS: '*' },
            Condition: { NumericGreaterThan: { 's3:signatureAge': 900_000 } },
          }),
        ]),
      },
    });
    // Minted at each read, never stored or logged, 404 across tenants: test/aws.
    const readers = statementsOf(dev).filter(
      ({ actions, resources, type }) =>
        type === 'AWS::IAM::Policy' &&
        actions.includes('s3:GetObject') &&
        resources.some((arn) => arn.includes('/outputs/*')),
    );
    const roles = new Set(readers.flatMap(({ roles }) => roles.map((id) => id.split('Role')[0])));
    expect([...roles].sort()).toEqual(['Api', 'Complete', 'Dispatch', 'Sweep', 'Webhooks']);
  });
});
