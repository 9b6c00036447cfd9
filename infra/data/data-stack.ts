import { CfnOutput, Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  ProjectionType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { Repository, TagMutability } from 'aws-cdk-lib/aws-ecr';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { createAlarmTopic } from '#infra/constructs/alarm-topic.ts';
import { type BucketReference, bucketReference } from '#infra/constructs/bucket-reference.ts';
import { CarrierQueue } from '#infra/constructs/carrier-queue.ts';
import { OnestepStack } from '#infra/constructs/onestep-stack.ts';
import { createPrivateBucket } from '#infra/constructs/private-bucket.ts';
import { stagePolicy } from '#infra/constructs/stage-policy.ts';
import { TIMEOUTS } from '#infra/constructs/timeouts.ts';
import { LONGEST_URL_SECONDS } from '#shared/adapters/aws/s3-blob-store.ts';
import { TABLE_SCHEMA } from '#shared/adapters/dynamo/table-schema.ts';
import { defined } from '#shared/core/defined.ts';
import { macSecretName, OUTPUTS, repositoryName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { BuildProject } from './build-project.ts';

/** Request units a second beyond which DynamoDB throttles: a bug must not cost without limit. */
const MAX_READ_UNITS = 4_000;
const MAX_WRITE_UNITS = 4_000;

/** Everything that has a state. Ids here are pinned by a test: a new id is a new, empty resource. */
export class DataStack extends OnestepStack {
  readonly table: TableV2;
  readonly accessLogs: Bucket;
  readonly modelBucket: BucketReference;
  readonly outputBucket: BucketReference;
  readonly repository: Repository;
  readonly macSecret: Secret;
  readonly receiptSecret: Secret;
  readonly dispatchQueue: CarrierQueue;
  readonly webhookQueue: CarrierQueue;
  /** The one topic that every alarm of the region goes to. */
  readonly alarmTopic: Topic;

  /** @param buildSource a folder with the build project's sources. Default: this project's own */
  constructor(scope: Construct, settings: DeploymentSettings, buildSource?: string) {
    super(scope, 'data', settings);
    this.table = this.createTable();
    this.accessLogs = createPrivateBucket(this, 'AccessLogs', {
      stage: settings.stage,
      lifecycle: [{ id: 'old-logs', expiration: Duration.days(settings.logRetentionDays) }],
    });
    this.modelBucket = bucketReference(settings.stage, 'models', settings.region);
    createPrivateBucket(this, 'Models', {
      stage: settings.stage,
      bucketName: this.modelBucket.bucketName,
      accessLogs: this.accessLogs,
    });
    this.outputBucket = bucketReference(settings.stage, 'outputs', settings.region);
    this.createOutputBucket();
    this.repository = this.createRepository();
    const { repository, modelBucket } = this;
    new BuildProject(this, 'Build', settings, { repository, modelBucket, source: buildSource });
    this.macSecret = this.createSecret(
      'MacSecret',
      'Keys that the MACs of API keys are made with',
      macSecretName(settings.stage),
    );
    this.receiptSecret = this.createSecret('ReceiptSecret', 'Key that receipts are signed with');
    this.dispatchQueue = new CarrierQueue(this, 'DispatchQueue', {
      consumerTimeoutSeconds: TIMEOUTS.dispatch,
    });
    this.webhookQueue = new CarrierQueue(this, 'WebhookQueue', {
      consumerTimeoutSeconds: TIMEOUTS.webhooks,
    });
    this.alarmTopic = createAlarmTopic(this, 'Alarms', { email: settings.alarmEmail });
    new CfnOutput(this, OUTPUTS.table, { value: this.table.tableName });
    new CfnOutput(this, OUTPUTS.modelBucket, { value: this.modelBucket.bucketName });
    new CfnOutput(this, OUTPUTS.outputBucket, { value: this.outputBucket.bucketName });
    new CfnOutput(this, OUTPUTS.repositoryUri, { value: this.repository.repositoryUri });
  }

  private createTable(): TableV2 {
    const policy = stagePolicy(this.settings.stage);
    return new TableV2(this, 'Table', {
      partitionKey: text(TABLE_SCHEMA.partitionKey),
      sortKey: text(TABLE_SCHEMA.sortKey),
      timeToLiveAttribute: TABLE_SCHEMA.timeToLive,
      billing: Billing.onDemand({
        maxReadRequestUnits: MAX_READ_UNITS,
        maxWriteRequestUnits: MAX_WRITE_UNITS,
      }),
      encryption: TableEncryptionV2.awsManagedKey(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: policy.protect,
      // Its name is CloudFormation's, and a protected table can't be deleted by a rollback.
      removalPolicy: policy.protect ? RemovalPolicy.RETAIN : policy.removal,
      globalSecondaryIndexes: TABLE_SCHEMA.indexes.map((index) => ({
        indexName: index.name,
        partitionKey: text(index.partitionKey),
        sortKey: text(index.sortKey),
        maxReadRequestUnits: MAX_READ_UNITS,
        maxWriteRequestUnits: MAX_WRITE_UNITS,
        ...(index.include.length === 0
          ? { projectionType: ProjectionType.KEYS_ONLY }
          : { projectionType: ProjectionType.INCLUDE, nonKeyAttributes: [...index.include] }),
      })),
    });
  }

  /**
   * Not versioned: an object is written once under its job's key, and erasure on request has to be
   * final. The sweep removes outputs at the retention's end; the lifecycle is the net under it.
   */
  private createOutputBucket(): void {
    const afterRetention = Duration.days(this.settings.retentionDays + 2);
    const outputs = createPrivateBucket(this, 'Outputs', {
      stage: this.settings.stage,
      bucketName: this.outputBucket.bucketName,
      accessLogs: this.accessLogs,
      readableByPages: true,
      lifecycle: [
        { id: 'images', prefix: 'outputs/', expiration: afterRetention },
        { id: 'marks', prefix: 'jobs/', expiration: afterRetention },
        { id: 'responses', prefix: 'out/', expiration: afterRetention },
        { id: 'failures', prefix: 'fail/', expiration: Duration.days(7) },
      ],
    });
    // However long a link to an image was signed for, it works for a quarter of an hour at most.
    outputs.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['s3:GetObject'],
        resources: [outputs.arnForObjects('*')],
        conditions: { NumericGreaterThan: { 's3:signatureAge': LONGEST_URL_SECONDS * 1_000 } },
      }),
    );
  }

  /** No image ever expires by itself: an endpoint at zero pulls its image again when it wakes. */
  private createRepository(): Repository {
    const policy = stagePolicy(this.settings.stage);
    return new Repository(this, 'GpuImages', {
      repositoryName: repositoryName(this.settings.stage),
      imageTagMutability: TagMutability.IMMUTABLE,
      imageScanOnPush: true,
      removalPolicy: policy.removal,
      emptyOnDelete: !policy.protect,
    });
  }

  /** Created with 48 random characters that no template, log or person ever sees. */
  private createSecret(id: string, description: string, secretName?: string): Secret {
    const secret = new Secret(this, id, {
      description,
      ...defined({ secretName }),
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
      removalPolicy: stagePolicy(this.settings.stage).removal,
    });
    acknowledge(
      secret,
      'Rotated by the runbook in docs/operations.md: keys in circulation carry the MAC, so a new key has to live beside the old one until they are replaced; a timer cannot know when that is.',
      'AwsSolutions-SMG4',
    );
    return secret;
  }
}

function text(name: string): { readonly name: string; readonly type: AttributeType } {
  return { name, type: AttributeType.STRING };
}
