import { CfnOutput } from 'aws-cdk-lib';
import type { Distribution } from 'aws-cdk-lib/aws-cloudfront';
import {
  type Code,
  type FunctionUrl,
  FunctionUrlAuthType,
  InvokeMode,
} from 'aws-cdk-lib/aws-lambda';
import { AaaaRecord, ARecord, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { CloudFrontTarget } from 'aws-cdk-lib/aws-route53-targets';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { CarrierQueue } from '#infra/constructs/carrier-queue.ts';
import { createDeadLetterQueue } from '#infra/constructs/dead-letter-queue.ts';
import { hostedZone } from '#infra/constructs/hosted-zone.ts';
import { OnestepStack } from '#infra/constructs/onestep-stack.ts';
import type { ServiceFunction } from '#infra/constructs/service-function.ts';
import { TIMEOUTS } from '#infra/constructs/timeouts.ts';
import type { DataStack } from '#infra/data/data-stack.ts';
import type { EdgeStack } from '#infra/edge/edge-stack.ts';
import type { GpuStack } from '#infra/gpu/gpu-stack.ts';
import { OUTPUTS } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { createApiFunction } from './api-function.ts';
import { createCompleteFunction } from './complete-function.ts';
import { createDispatchFunction } from './dispatch-function.ts';
import { createDistribution } from './distribution.ts';
import { createInspectFunction } from './inspect-function.ts';
import { createSweepFunction } from './sweep-function.ts';

type ApiStackCode = Readonly<Record<'api' | 'dispatch' | 'complete' | 'sweep' | 'inspect', Code>>;

interface Neighbours {
  readonly data: DataStack;
  readonly edge: EdgeStack;
  readonly gpu: GpuStack;
}

/** The API and everything that moves a job along, with the distribution in front. */
export class ApiStack extends OnestepStack {
  readonly api: ServiceFunction;
  readonly dispatch: ServiceFunction;
  readonly complete: ServiceFunction;
  readonly sweep: ServiceFunction;
  readonly imageReader: ServiceFunction;
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

  constructor(
    scope: Construct,
    settings: DeploymentSettings,
    neighbours: Neighbours,
    code: ApiStackCode,
  ) {
    super(scope, 'api', settings);
    const { data } = neighbours;
    this.completionQueue = new CarrierQueue(this, 'CompletionQueue', {
      consumerTimeoutSeconds: TIMEOUTS.complete,
    });
    this.lostCompleted = createDeadLetterQueue(this, 'LostCompleted');
    this.lostFailed = createDeadLetterQueue(this, 'LostFailed');
    this.sweepFailures = createDeadLetterQueue(this, 'SweepDeadLetters');
    this.imageReader = createInspectFunction(this, code.inspect);
    this.api = createApiFunction(this, data, this.imageReader, code.api);
    this.dispatch = createDispatchFunction(this, data, code.dispatch);
    const { completionQueue: queue, lostCompleted, lostFailed } = this;
    const queues = { queue, lostCompleted, lostFailed };
    this.complete = createCompleteFunction(this, neighbours, queues, code.complete);
    this.sweep = createSweepFunction(this, data, this.sweepFailures, code.sweep);
    this.functionUrl = this.api.function.addFunctionUrl({
      authType: FunctionUrlAuthType.AWS_IAM,
      invokeMode: InvokeMode.RESPONSE_STREAM,
    });
    this.distribution = createDistribution(this, neighbours.edge, this.functionUrl);
    this.createRecords();
    this.publicUrl = `https://${settings.domainName ?? this.distribution.distributionDomainName}`;
    new CfnOutput(this, OUTPUTS.url, { value: this.publicUrl });
    new CfnOutput(this, OUTPUTS.functionUrl, { value: this.functionUrl.url });
  }

  private createRecords(): void {
    const { domainName } = this.settings;
    const zone = hostedZone(this, this.settings);
    if (domainName === undefined || zone === undefined) return;
    const target = RecordTarget.fromAlias(new CloudFrontTarget(this.distribution));
    new ARecord(this, 'Record', { zone, recordName: domainName, target });
    new AaaaRecord(this, 'RecordV6', { zone, recordName: domainName, target });
  }
}
