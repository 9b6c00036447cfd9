import { CustomResource, Duration } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { objectArn } from '#infra/constructs/bucket-reference.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import { TIMEOUTS } from '#infra/constructs/timeouts.ts';
import type { DataStack } from '#infra/data/data-stack.ts';
import { grantListing } from '#infra/constructs/grant-objects.ts';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { modelPrefix } from '#shared/deployment/names.ts';

/**
 * Fails the deployment with one sentence when a model package or the image is not there yet, before
 * SageMaker would fail with another one after half an hour.
 */
export class PackageCheck extends Construct {
  readonly check: ServiceFunction;
  readonly resource: CustomResource;

  constructor(scope: Construct, id: string, data: DataStack, code: Code) {
    super(scope, id);
    const { settings } = data;
    const manifests = settings.models.map((model) => `${modelPrefix(model.digest)}manifest.json`);
    this.check = new ServiceFunction(this, 'Function', settings, {
      name: 'package-check',
      description: 'Refuses to deploy endpoints whose model package or image has not been pushed.',
      code,
      memoryMib: 256,
      whyNoDlq:
        'CloudFormation invokes it and waits for its answer; a lost one ends the deployment by timeout.',
    });
    this.check.grant(
      ['s3:GetObject'],
      manifests.map((key) => objectArn(data.modelBucket, key)),
    );
    grantListing(this.check.role, data.modelBucket, ['models/']);
    this.check.grant(['ecr:DescribeImages'], [data.repository.repositoryArn]);
    this.resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::OnestepPackageCheck',
      serviceToken: this.check.function.functionArn,
      serviceTimeout: Duration.seconds(TIMEOUTS['package-check'] * 3),
      properties: {
        Bucket: data.modelBucket.bucketName,
        Manifests: manifests,
        Repository: data.repository.repositoryName,
        // Functions need no image.
        ...(settings.models.some(hasInstances) && { ImageDigest: settings.imageDigest }),
      },
    });
    this.resource.node.addDependency(this.check.role);
  }
}
