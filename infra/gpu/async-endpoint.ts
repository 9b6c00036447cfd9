import {
  Alarm,
  ComparisonOperator,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Role } from 'aws-cdk-lib/aws-iam';
import { CfnMetricFilter, type LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnEndpoint, CfnEndpointConfig, CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { FIVE_MINUTES } from '#infra/constructs/alarm.ts';
import { allow } from '#infra/constructs/allow.ts';
import { ORDER_FLOW } from '#shared/core/order-flow.ts';
import { PROJECT, VARIANT_NAME } from '#shared/deployment/names.ts';
import type { WarmSchedule } from '#shared/service/domain/endpoints/warm-schedule.ts';
import { scaleToZero } from './endpoint-scaling.ts';

/**
 * The host image: NVIDIA driver 580, which runs CUDA 13.0. One of three that must agree: the base image
 * of functions/gpu/Dockerfile and the ONNX Runtime wheel in it are the others; a test ties them.
 */
export const INFERENCE_AMI = 'al2023-ami-sagemaker-inference-gpu-4-1';

/** Enough for the largest model to download and start on a slow day. */
const STARTUP_TIMEOUT_SECONDS = 1_200;
const DOWNLOAD_TIMEOUT_SECONDS = 1_200;
/** For finding an instance of any of the types. */
const PROVISION_TIMEOUT_SECONDS = 1_200;

/** The metric of the container's lines that say that a task has failed. */
const FAILED_TASKS = 'FailedTasks';

export interface AsyncEndpointProps {
  /** Fixed, so that it can be granted on and logged before it exists. Never changes: that replaces it. */
  readonly endpointName: string;
  readonly role: Role;
  /** `<repository>@sha256:…`: by digest, or a push under an old tag would change nothing. */
  readonly image: string;
  /** An S3 prefix that ends in `/` and holds the model package's files as they are. */
  readonly modelDataUrl: string;
  readonly environment: Readonly<Record<string, string>>;
  /** One to five types: the first is preferred, the next is taken where the first can't be had. */
  readonly instanceTypes: readonly string[];
  readonly maxInstances: number;
  /** Hours in which it keeps an instance. */
  readonly warm?: WarmSchedule;
  /** Whether it scales; a change of types may need a deployment without. */
  readonly scales: boolean;
  readonly outputPath: string;
  readonly failurePath: string;
  readonly successTopicArn: string;
  readonly errorTopicArn: string;
  /** Where the container's lines go, from which its failures are counted. */
  readonly logs: LogGroup;
  /** What the container's lines are marked with: image, model and settings, in a name's characters. */
  readonly release: string;
}

/**
 * A SageMaker asynchronous endpoint that scales to zero. Model and configuration have no names of their
 * own: each change makes new ones, and the endpoint moves over to them by blue/green, which needs twice
 * the instances for a while (`onestep preflight` looks whether the quota has them).
 */
export class AsyncEndpoint extends Construct {
  readonly endpointName: string;
  readonly model: CfnModel;
  readonly config: CfnEndpointConfig;
  readonly endpoint: CfnEndpoint;

  constructor(scope: Construct, id: string, props: AsyncEndpointProps) {
    super(scope, id);
    this.endpointName = props.endpointName;
    this.model = this.createModel(props);
    this.config = this.createConfig(props, this.model);
    this.endpoint = this.createEndpoint(props, this.config);
    if (props.scales) {
      scaleToZero(this, this.endpoint, props.endpointName, props.maxInstances, props.warm);
    }
  }

  private createModel(props: AsyncEndpointProps): CfnModel {
    const model = new CfnModel(this, 'Model', {
      executionRoleArn: props.role.roleArn,
      // The function writes images to S3 itself.
      enableNetworkIsolation: false,
      primaryContainer: {
        image: props.image,
        mode: 'SingleModel',
        environment: { ...props.environment },
        modelDataSource: {
          s3DataSource: {
            s3Uri: props.modelDataUrl,
            s3DataType: 'S3Prefix',
            compressionType: 'None',
          },
        },
      },
    });
    // SageMaker tries the role's grants when the model is made: the policy has to be there before.
    model.node.addDependency(props.role);
    return model;
  }

  private createConfig(props: AsyncEndpointProps, model: CfnModel): CfnEndpointConfig {
    return new CfnEndpointConfig(this, 'Config', {
      productionVariants: [
        {
          variantName: VARIANT_NAME,
          modelName: model.attrModelName,
          instancePools: props.instanceTypes.map((instanceType, index) => ({
            instanceType,
            priority: index + 1,
          })),
          variantInstanceProvisionTimeoutInSeconds: PROVISION_TIMEOUT_SECONDS,
          // An endpoint starts with at least one instance; scaling removes it when no jobs come.
          initialInstanceCount: 1,
          initialVariantWeight: 1,
          inferenceAmiVersion: INFERENCE_AMI,
          containerStartupHealthCheckTimeoutInSeconds: STARTUP_TIMEOUT_SECONDS,
          modelDataDownloadTimeoutInSeconds: DOWNLOAD_TIMEOUT_SECONDS,
        },
      ],
      asyncInferenceConfig: {
        // One draws; the others are stored, or ready to draw.
        clientConfig: { maxConcurrentInvocationsPerInstance: ORDER_FLOW.inFlight },
        outputConfig: {
          s3OutputPath: props.outputPath,
          s3FailurePath: props.failurePath,
          notificationConfig: {
            successTopic: props.successTopicArn,
            errorTopic: props.errorTopicArn,
            // Small on errors (the container's JSON), and of no use on success.
            includeInferenceResponseIn: ['ERROR_NOTIFICATION_TOPIC'],
          },
        },
      },
    });
  }

  private createEndpoint(props: AsyncEndpointProps, config: CfnEndpointConfig): CfnEndpoint {
    const failures = this.createRollbackAlarm(props);
    return new CfnEndpoint(this, 'Endpoint', {
      endpointName: props.endpointName,
      endpointConfigName: config.attrEndpointConfigName,
      // Otherwise each update would start an instance, even if scaling had removed them all.
      retainAllVariantProperties: true,
      deploymentConfig: {
        blueGreenUpdatePolicy: {
          trafficRoutingConfiguration: { type: 'ALL_AT_ONCE', waitIntervalInSeconds: 300 },
          terminationWaitInSeconds: 300,
          maximumExecutionTimeoutInSeconds: 3_600,
        },
        autoRollbackConfiguration: { alarms: [{ alarmName: failures.alarmName }] },
      },
    });
  }

  /**
   * Goes off when the new version fails its jobs. SageMaker counts failures of the variant, old and new
   * instances together: a fix, deployed while jobs fail, would roll itself back. So the lines of failed
   * tasks are counted, by the release that they carry, and each release has an alarm of its own, which
   * begins without a past.
   */
  private createRollbackAlarm(props: AsyncEndpointProps): Alarm {
    const { release, endpointName } = props;
    const metricNamespace = `${PROJECT}/${endpointName}`;
    new CfnMetricFilter(this, 'FailedTasks', {
      logGroupName: props.logs.logGroupName,
      filterPattern: '{ $.event = "task-failed" }',
      metricTransformations: [
        {
          metricNamespace,
          metricName: FAILED_TASKS,
          metricValue: '1',
          dimensions: [{ key: 'Release', value: '$.release' }],
        },
      ],
    });
    const alarm = new Alarm(this, `RollbackAlarm${release.replaceAll('-', '')}`, {
      alarmDescription: `New version of ${endpointName} fails its jobs: the update is rolled back.`,
      metric: new Metric({
        namespace: metricNamespace,
        metricName: FAILED_TASKS,
        dimensionsMap: { Release: release },
        statistic: Stats.SUM,
        // One instance that loads its model anew for each task fails once a minute or less.
        period: FIVE_MINUTES,
      }),
      threshold: 3,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    // SageMaker looks at the alarm as the model's role.
    allow(props.role, ['cloudwatch:DescribeAlarms'], [alarm.alarmArn]);
    return alarm;
  }
}
