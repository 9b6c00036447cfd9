import { CfnOutput } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { GpuEnv } from '#functions/gpu/config.ts';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { allow } from '#infra/constructs/allow.ts';
import { objectUrl } from '#infra/constructs/bucket-reference.ts';
import { OnestepStack } from '#infra/constructs/onestep-stack.ts';
import type { OwnEnvironment } from '#infra/constructs/own-environment.ts';
import { retentionDays } from '#infra/constructs/service-function.ts';
import { stagePolicy } from '#infra/constructs/stage-policy.ts';
import type { DataStack } from '#infra/data/data-stack.ts';
import { grantListing, grantObjects } from '#infra/constructs/grant-objects.ts';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { defined } from '#shared/core/defined.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import type { ModelSettings } from '#shared/deployment/model-settings.ts';
import { endpointName, modelPrefix, OUTPUTS, repositoryName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { parseWarmSchedule } from '#shared/service/domain/endpoints/warm-schedule.ts';
import { AsyncEndpoint } from './async-endpoint.ts';
import { DrawingFunction } from './drawing-function.ts';
import { PackageCheck } from './package-check.ts';

/** One asynchronous endpoint for each model of the settings. */
export class GpuStack extends OnestepStack {
  readonly successTopic: Topic;
  readonly errorTopic: Topic;
  readonly endpoints: readonly AsyncEndpoint[];
  readonly drawingFunctions: readonly DrawingFunction[];
  private readonly data: DataStack;

  constructor(
    scope: Construct,
    settings: DeploymentSettings,
    data: DataStack,
    code: { readonly check: Code; readonly drawing: () => Code },
  ) {
    super(scope, 'gpu', settings);
    this.data = data;
    this.successTopic = new Topic(this, 'Completed', { enforceSSL: true });
    this.errorTopic = new Topic(this, 'Failed', { enforceSSL: true });
    const check = new PackageCheck(this, 'PackageCheck', data, code.check);
    this.endpoints = settings.models
      .filter(hasInstances)
      .map((model) => this.createEndpoint(model, check));
    this.drawingFunctions = settings.models
      .filter((model) => !hasInstances(model))
      .map((model) => this.createDrawingFunction(model, check, code.drawing()));
    new CfnOutput(this, OUTPUTS.endpointNames, {
      value: this.endpoints.map((endpoint) => endpoint.endpointName).join(','),
    });
  }

  private createEndpoint(model: ModelSettings, check: PackageCheck): AsyncEndpoint {
    const name = endpointName(this.settings.stage, model.name);
    const id = pascalCase(model.name);
    const logs = new LogGroup(this, `${id}Logs`, {
      // SageMaker would create it, with no retention.
      logGroupName: `/aws/sagemaker/Endpoints/${name}`,
      retention: retentionDays(this.settings.logRetentionDays),
      removalPolicy: stagePolicy(this.settings.stage).removal,
    });
    const bucket = this.data.outputBucket;
    const release = releaseOf(this.settings, model);
    const environment: OwnEnvironment<GpuEnv> = { ...this.drawingEnvironment(), RELEASE: release };
    const endpoint = new AsyncEndpoint(this, id, {
      endpointName: name,
      role: this.createRole(`${id}Role${model.digest.slice(0, 8)}`, model, logs),
      image: `${this.account}.dkr.ecr.${this.region}.${this.urlSuffix}/${repositoryName(this.settings.stage)}@${this.settings.imageDigest}`,
      modelDataUrl: objectUrl(this.data.modelBucket, modelPrefix(model.digest)),
      environment: { ...environment, AWS_REGION: this.region },
      instanceTypes: model.instance,
      maxInstances: model.maxInstances,
      scales: this.settings.scaling,
      ...(model.warm !== undefined && { warm: parseWarmSchedule(model.warm) }),
      outputPath: objectUrl(bucket, 'out/'),
      failurePath: objectUrl(bucket, 'fail/'),
      successTopicArn: this.successTopic.topicArn,
      errorTopicArn: this.errorTopic.topicArn,
      logs,
      release,
    });
    endpoint.model.node.addDependency(check.resource);
    endpoint.endpoint.node.addDependency(logs);
    return endpoint;
  }

  /** What both kinds of compute are told. */
  private drawingEnvironment(): OwnEnvironment<GpuEnv> {
    const { imageCheck, watermark, c2pa } = this.settings;
    return {
      OUTPUT_BUCKET_NAME: this.data.outputBucket.bucketName,
      RECEIPT_SECRET_ARN: this.data.receiptSecret.secretArn,
      WATERMARK: watermark ? '1' : '0',
      ...defined({
        IMAGE_CHECK: imageCheck,
        C2PA_KEY_FILE: c2pa?.key,
        C2PA_KMS_KEY: c2pa?.kmsKey,
        C2PA_CHAIN_FILE: c2pa?.chain,
        C2PA_TIME_STAMP_URL: c2pa?.timeStampUrl,
      }),
    };
  }

  private createDrawingFunction(
    model: ModelSettings,
    check: PackageCheck,
    code: Code,
  ): DrawingFunction {
    const environment: OwnEnvironment<GpuEnv> = {
      ...this.drawingEnvironment(),
      DEVICE: 'cpu',
      // Lambda runs one order at a time in each environment.
      IN_FLIGHT: '1',
      MODEL_FOLDERS: '/tmp/model',
      PACKAGE_BUCKET_NAME: this.data.modelBucket.bucketName,
      PACKAGE_PREFIX: modelPrefix(model.digest),
    };
    const drawing = new DrawingFunction(this, pascalCase(model.name), this.settings, {
      functionName: endpointName(this.settings.stage, model.name),
      code,
      environment,
      successTopicArn: this.successTopic.topicArn,
      errorTopicArn: this.errorTopic.topicArn,
    });
    this.grantDrawing(drawing.role, model);
    drawing.node.addDependency(check.resource);
    return drawing;
  }

  /** To read a model's package, write what was ordered, and sign it. */
  private grantDrawing(role: Role, model: ModelSettings): void {
    const { modelBucket, outputBucket, receiptSecret } = this.data;
    grantObjects(role, modelBucket, ['s3:GetObject'], [modelPrefix(model.digest)]);
    grantListing(role, modelBucket, [modelPrefix(model.digest)]);
    grantObjects(role, outputBucket, ['s3:PutObject'], OUTPUT_PREFIXES);
    // Images of a task that ended late or half stored are taken back.
    grantObjects(role, outputBucket, ['s3:DeleteObject'], ['outputs/']);
    // The mark that asks for a job to be cancelled.
    grantObjects(role, outputBucket, ['s3:GetObject'], ['jobs/']);
    grantListing(role, outputBucket, ['jobs/']);
    // Signs the receipts inside images: the key is in no job's body.
    allow(role, ['secretsmanager:GetSecretValue'], [receiptSecret.secretArn]);
    const { kmsKey } = this.settings.c2pa ?? {};
    if (kmsKey !== undefined) {
      const algorithm = { StringEquals: { 'kms:SigningAlgorithm': 'ECDSA_SHA_256' } };
      allow(role, ['kms:Sign'], [kmsKey], algorithm);
    }
  }

  /**
   * What a model's container may do: read its own package, write outputs, say that it is done. One role
   * for each digest: while an update runs, old instances still read the old package.
   */
  private createRole(id: string, model: ModelSettings, logs: LogGroup): Role {
    const { repository } = this.data;
    const role = new Role(this, id, {
      assumedBy: new ServicePrincipal('sagemaker.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    });
    this.grantDrawing(role, model);
    allow(role, ['sns:Publish'], [this.successTopic.topicArn, this.errorTopic.topicArn]);
    allow(role, PULL_ACTIONS, [repository.repositoryArn]);
    allow(role, ['ecr:GetAuthorizationToken'], ['*']);
    allow(role, LOG_ACTIONS, [logs.logGroupArn]);
    allow(role, ['cloudwatch:PutMetricData'], ['*'], {
      StringEquals: { 'cloudwatch:namespace': METRIC_NAMESPACES },
    });
    acknowledge(
      role,
      'ecr:GetAuthorizationToken and cloudwatch:PutMetricData exist only on "*"; the latter is bound to SageMaker\'s namespaces.',
      'AwsSolutions-IAM5[Resource::*]',
    );
    return role;
  }
}

/** Images and receipts, marks of progress, SageMaker's own answers and failures. */
const OUTPUT_PREFIXES = ['outputs/', 'jobs/', 'out/', 'fail/'];

const PULL_ACTIONS = [
  'ecr:BatchCheckLayerAvailability',
  'ecr:BatchGetImage',
  'ecr:GetDownloadUrlForLayer',
];
const LOG_ACTIONS = ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'];
const METRIC_NAMESPACES = ['AWS/SageMaker', '/aws/sagemaker/Endpoints'];

/**
 * Image, model and the rest by the beginnings of their digests: what an update changes. Settings and types
 * of instances are part of it, since changing one can be the fix for jobs that fail.
 */
function releaseOf(settings: DeploymentSettings, { digest, instance }: ModelSettings): string {
  const { imageDigest, imageCheck, watermark, c2pa } = settings;
  const own = sha256Hex(JSON.stringify([imageCheck, watermark, c2pa, instance]));
  return `${imageDigest.replace('sha256:', '').slice(0, 12)}-${digest.slice(0, 12)}-${own.slice(0, 8)}`;
}

/** `StabilityaiSdxl` for `stabilityai/sdxl`: an id that stays as long as the model's name does. */
function pascalCase(name: string): string {
  return name
    .split(/[^a-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
