import { CfnOutput, Duration } from 'aws-cdk-lib';
import type { Distribution } from 'aws-cdk-lib/aws-cloudfront';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  type Code,
  type FunctionUrl,
  FunctionUrlAuthType,
  InvokeMode,
} from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { AaaaRecord, ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { CloudFrontTarget } from 'aws-cdk-lib/aws-route53-targets';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { ApiEnv } from '#functions/api/config.ts';
import { modelPrefix, OUTPUTS } from '#functions/cli/deploy/names.ts';
import type { DeploymentSettings } from '#functions/cli/deploy/settings.ts';
import type { CompleteEnv } from '#functions/complete/config.ts';
import type { DispatchEnv } from '#functions/dispatch/config.ts';
import type { SweepEnv } from '#functions/sweep/config.ts';
import { acknowledge } from '#infra/acknowledge.ts';
import { objectArn } from '#infra/bucket-reference.ts';
import { endpointArn } from '#infra/constructs/async-endpoint.ts';
import { CarrierQueue } from '#infra/constructs/carrier-queue.ts';
import { createDistribution } from '#infra/constructs/distribution.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import { deployedModels } from '#infra/deployed-models.ts';
import {
  grantListing,
  grantObjects,
  grantSend,
  grantTableRead,
  grantTableWrite,
} from '#infra/grants.ts';
import type { OwnEnvironment } from '#infra/own-environment.ts';
import { TIMEOUTS } from '#infra/timeouts.ts';
import type { DataStack } from './data-stack.ts';
import type { EdgeStack } from './edge-stack.ts';
import type { GpuStack } from './gpu-stack.ts';
import { OnestepStack } from './onestep-stack.ts';

export interface ApiStackCode {
  readonly api: Code;
  readonly dispatch: Code;
  readonly complete: Code;
  readonly sweep: Code;
}

interface Neighbours {
  readonly data: DataStack;
  readonly edge: EdgeStack;
  readonly gpu: GpuStack;
}

/** Where a job's end can be read: images and receipt, SageMaker's answer and failure, its marks. */
const SETTLED_FROM = ['outputs/', 'out/', 'fail/', 'jobs/'];

/** At one time: the second takes over while the first ends; the table decides who gets a job. */
const DISPATCHERS = 2;

/** The API and everything that moves a job along, with the distribution in front. */
export class ApiStack extends OnestepStack {
  readonly api: ServiceFunction;
  readonly dispatch: ServiceFunction;
  readonly complete: ServiceFunction;
  readonly sweep: ServiceFunction;
  /** Here and not in the data stack, since its policy names the gpu stack's topics. */
  readonly completionQueue: CarrierQueue;
  /** Dead letters of the two subscriptions and of the schedule. */
  readonly lostCompleted: Queue;
  readonly lostFailed: Queue;
  readonly sweepFailures: Queue;
  readonly functionUrl: FunctionUrl;
  readonly distribution: Distribution;
  /** `https://…`, without a slash at its end. */
  readonly publicUrl: string;
  private readonly data: DataStack;
  private readonly code: ApiStackCode;

  constructor(
    scope: Construct,
    settings: DeploymentSettings,
    neighbours: Neighbours,
    code: ApiStackCode,
  ) {
    super(scope, 'api', settings);
    this.data = neighbours.data;
    this.code = code;
    this.completionQueue = new CarrierQueue(this, 'CompletionQueue', {
      consumerTimeoutSeconds: TIMEOUTS.complete,
    });
    this.lostCompleted = this.createLostQueue('LostCompleted');
    this.lostFailed = this.createLostQueue('LostFailed');
    this.sweepFailures = this.createLostQueue('SweepDeadLetters');
    this.api = this.createApi();
    this.dispatch = this.createDispatch();
    this.complete = this.createComplete(neighbours.gpu);
    this.sweep = this.createSweep();
    this.functionUrl = this.api.function.addFunctionUrl({
      authType: FunctionUrlAuthType.AWS_IAM,
      invokeMode: InvokeMode.RESPONSE_STREAM,
    });
    this.distribution = createDistribution(this, {
      settings,
      functionUrl: this.functionUrl,
      edgeVersionArn: neighbours.edge.edgeVersion.functionArn,
      webAclArn: neighbours.edge.webAcl.attrArn,
      logs: neighbours.edge.distributionLogs,
      certificate: neighbours.edge.certificate,
    });
    this.createRecords();
    this.publicUrl = `https://${settings.domainName ?? this.distribution.distributionDomainName}`;
    new CfnOutput(this, OUTPUTS.url, { value: this.publicUrl });
    new CfnOutput(this, OUTPUTS.functionUrl, { value: this.functionUrl.url });
  }

  private createApi(): ServiceFunction {
    const { data, settings } = this;
    const environment: OwnEnvironment<ApiEnv> = {
      TABLE_NAME: data.table.tableName,
      OUTPUT_BUCKET_NAME: data.outputBucket.bucketName,
      MODEL_BUCKET_NAME: data.modelBucket.bucketName,
      MODELS: JSON.stringify(deployedModels(settings)),
      DISPATCH_QUEUE_URL: data.dispatchQueue.queue.queueUrl,
      MAC_SECRET_ARN: data.macSecret.secretArn,
      RECEIPT_SECRET_ARN: data.receiptSecret.secretArn,
      QUEUE_LIMIT: String(settings.queueLimit),
      RETENTION_HOURS: String(settings.retentionDays * 24),
      ...(settings.operatorAccount === undefined
        ? {}
        : { OPERATOR_ACCOUNT: settings.operatorAccount }),
      ...(settings.blockList === undefined
        ? {}
        : { BLOCK_LIST: JSON.stringify(settings.blockList) }),
      ...(settings.topupUrl === undefined ? {} : { TOPUP_URL: settings.topupUrl }),
    };
    const api = this.createFunction('Api', 'api', {
      description: 'Predictions, images, keys, credits, usage, webhook log, playground.',
      memoryMib: 1024,
      environment,
      whyNoDlq:
        'Only CloudFront invokes it, through its URL and synchronously: who called sees the error.',
    });
    grantTableRead(api, data);
    grantTableWrite(api, data);
    grantSend(api, [data.dispatchQueue.queue.queueArn]);
    this.grantSecrets(api, [data.macSecret.secretArn, data.receiptSecret.secretArn]);
    this.grantSettling(api);
    api.grant(
      ['s3:GetObject'],
      settings.models.map((model) =>
        objectArn(data.modelBucket, `${modelPrefix(model.digest)}manifest.json`),
      ),
    );
    api.grant(['sagemaker:DescribeEndpoint'], this.endpointArns());
    return api;
  }

  private createDispatch(): ServiceFunction {
    const { data, settings } = this;
    const environment: OwnEnvironment<DispatchEnv> = {
      TABLE_NAME: data.table.tableName,
      OUTPUT_BUCKET_NAME: data.outputBucket.bucketName,
      MODELS: JSON.stringify(deployedModels(settings)),
      RECEIPT_SECRET_ARN: data.receiptSecret.secretArn,
    };
    const dispatch = this.createFunction('Dispatch', 'dispatch', {
      description: 'Gives waiting jobs to SageMaker, fair by account.',
      memoryMib: 512,
      environment,
      reservedConcurrency: DISPATCHERS,
      whyNoDlq: 'Reads a queue, which has its own dead-letter queue.',
    });
    this.readQueue(dispatch, data.dispatchQueue, DISPATCHERS);
    grantTableRead(dispatch, data);
    grantTableWrite(dispatch, data);
    this.grantSecrets(dispatch, [data.receiptSecret.secretArn]);
    this.grantSettling(dispatch);
    dispatch.grant(['sagemaker:InvokeEndpointAsync'], this.endpointArns());
    return dispatch;
  }

  private createComplete(gpu: GpuStack): ServiceFunction {
    const { data } = this;
    const environment: OwnEnvironment<CompleteEnv> = {
      TABLE_NAME: data.table.tableName,
      OUTPUT_BUCKET_NAME: data.outputBucket.bucketName,
      DISPATCH_QUEUE_URL: data.dispatchQueue.queue.queueUrl,
      WEBHOOK_QUEUE_URL: data.webhookQueue.queue.queueUrl,
    };
    const complete = this.createFunction('Complete', 'complete', {
      description: 'Settles each job that SageMaker says has ended.',
      memoryMib: 512,
      environment,
      whyNoDlq: 'Reads a queue, which has its own dead-letter queue.',
    });
    this.readQueue(complete, this.completionQueue);
    for (const [topic, lost] of [
      [gpu.successTopic, this.lostCompleted],
      [gpu.errorTopic, this.lostFailed],
    ] as const) {
      topic.addSubscription(
        new SqsSubscription(this.completionQueue.queue, {
          rawMessageDelivery: true,
          deadLetterQueue: lost,
        }),
      );
    }
    grantTableRead(complete, data);
    grantTableWrite(complete, data);
    grantSend(complete, [data.dispatchQueue.queue.queueArn, data.webhookQueue.queue.queueArn]);
    this.grantSettling(complete);
    return complete;
  }

  private createSweep(): ServiceFunction {
    const { data, settings } = this;
    const environment: OwnEnvironment<SweepEnv> = {
      TABLE_NAME: data.table.tableName,
      OUTPUT_BUCKET_NAME: data.outputBucket.bucketName,
      DISPATCH_QUEUE_URL: data.dispatchQueue.queue.queueUrl,
      WEBHOOK_QUEUE_URL: data.webhookQueue.queue.queueUrl,
      RETENTION_HOURS: String(settings.retentionDays * 24),
    };
    const failures = this.sweepFailures;
    const sweep = this.createFunction('Sweep', 'sweep', {
      description:
        'Each minute: settles overdue jobs, queues due webhooks, expires credits and outputs.',
      memoryMib: 512,
      environment,
      reservedConcurrency: 1,
      deadLetterQueue: failures,
    });
    grantTableRead(sweep, data);
    grantTableWrite(sweep, data);
    grantSend(sweep, [data.dispatchQueue.queue.queueArn, data.webhookQueue.queue.queueArn]);
    this.grantSettling(sweep);
    this.everyMinute(sweep, failures);
    return sweep;
  }

  private createFunction(
    id: string,
    name: keyof ApiStackCode,
    props: Omit<
      ConstructorParameters<typeof ServiceFunction>[2],
      'stage' | 'code' | 'timeoutSeconds' | 'logRetentionDays'
    >,
  ): ServiceFunction {
    return new ServiceFunction(this, id, {
      ...props,
      stage: this.settings.stage,
      code: this.code[name],
      timeoutSeconds: TIMEOUTS[name],
      logRetentionDays: this.settings.logRetentionDays,
    });
  }

  private readQueue(reader: ServiceFunction, carrier: CarrierQueue, maxConcurrency?: number): void {
    reader.function.addEventSource(
      new SqsEventSource(carrier.queue, {
        batchSize: 10,
        reportBatchItemFailures: true,
        ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
      }),
    );
    for (const mapping of reader.function.node.findAll()) {
      if (mapping.node.id.includes('SqsEventSource')) {
        acknowledge(
          mapping,
          "SQS mappings take no failure destination: what fails for good goes to the queue's dead-letter queue.",
          'Serverless-LambdaEventSourceMappingDestination',
        );
      }
    }
  }

  /** A dead-letter queue, which by its nature has none itself. */
  private createLostQueue(id: string): Queue {
    const queue = new Queue(this, id, {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(
      queue,
      'Itself a dead-letter queue: an alarm watches it and a person empties it.',
      'AwsSolutions-SQS3',
      'Serverless-SQSRedrivePolicy',
    );
    return queue;
  }

  private everyMinute(target: ServiceFunction, failures: Queue): void {
    const role = new Role(this, 'SweepScheduleRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
    });
    role.addToPolicy(
      new PolicyStatement({
        actions: ['lambda:InvokeFunction'],
        resources: [target.function.functionArn],
      }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [failures.queueArn] }),
    );
    const schedule = new CfnSchedule(this, 'SweepSchedule', {
      scheduleExpression: 'rate(1 minute)',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: target.function.functionArn,
        roleArn: role.roleArn,
        // The next minute's run does what this one could not.
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
        deadLetterConfig: { arn: failures.queueArn },
      },
    });
    schedule.node.addDependency(role);
  }

  /** To end a job from what it left behind, removing images that were not ordered any more. */
  private grantSettling(settler: ServiceFunction): void {
    const bucket = this.data.outputBucket;
    grantObjects(settler.role, bucket, ['s3:GetObject'], SETTLED_FROM);
    grantObjects(settler.role, bucket, ['s3:DeleteObject'], ['outputs/']);
    // The mark that a running job is to stop.
    grantObjects(settler.role, bucket, ['s3:PutObject'], ['jobs/']);
    grantListing(settler.role, bucket, SETTLED_FROM);
  }

  private grantSecrets(reader: ServiceFunction, arns: readonly string[]): void {
    reader.grant(['secretsmanager:GetSecretValue'], arns);
  }

  private endpointArns(): string[] {
    return deployedModels(this.settings).map((model) => endpointArn(this, model.endpoint));
  }

  private createRecords(): void {
    const { domainName, hostedZoneId, hostedZoneName } = this.settings;
    if (domainName === undefined || hostedZoneId === undefined || hostedZoneName === undefined)
      return;
    const zone = HostedZone.fromHostedZoneAttributes(this, 'Zone', {
      hostedZoneId,
      zoneName: hostedZoneName,
    });
    const target = RecordTarget.fromAlias(new CloudFrontTarget(this.distribution));
    new ARecord(this, 'Record', { zone, recordName: domainName, target });
    new AaaaRecord(this, 'RecordV6', { zone, recordName: domainName, target });
  }
}
