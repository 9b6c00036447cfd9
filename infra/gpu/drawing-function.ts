import { Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  CfnEventInvokeConfig,
  type Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { allow } from '#infra/constructs/allow.ts';
import { retentionDays } from '#infra/constructs/service-function.ts';
import { stagePolicy } from '#infra/constructs/stage-policy.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

/** What Lambda gives a function at most, and what a new account gives it. */
export const DRAWING_LIMITS = { timeoutSeconds: 900, memoryMib: 3_008 } as const;

/** From admission to the latest end of a job: what waits longer is not run any more. */
const DEADLINE_SECONDS = 3_600;

export interface DrawingFunctionProps {
  /** Fixed, so that it can be granted on before it exists. */
  readonly functionName: string;
  readonly code: Code;
  readonly environment: Readonly<Record<string, string>>;
  readonly successTopicArn: string;
  readonly errorTopicArn: string;
}

/**
 * The GPU function on a CPU, for a model that fits: nodejs24.x on x86-64, invoked asynchronously and never
 * again by Lambda itself; both of its ends go where SageMaker's go.
 */
export class DrawingFunction extends Construct {
  readonly role: Role;
  readonly function: LambdaFunction;

  constructor(
    scope: Construct,
    id: string,
    settings: DeploymentSettings,
    props: DrawingFunctionProps,
  ) {
    super(scope, id);
    const logs = new LogGroup(this, 'Logs', {
      retention: retentionDays(settings.logRetentionDays),
      removalPolicy: stagePolicy(settings.stage).removal,
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    allow(this.role, ['logs:CreateLogStream', 'logs:PutLogEvents'], [logs.logGroupArn]);
    const { successTopicArn, errorTopicArn } = props;
    allow(this.role, ['sns:Publish'], [successTopicArn, errorTopicArn]);
    this.function = new LambdaFunction(this, 'Resource', {
      functionName: props.functionName,
      description: 'Draws images on a CPU, for a model that fits.',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.X86_64,
      handler: 'index.handler',
      code: props.code,
      memorySize: DRAWING_LIMITS.memoryMib,
      timeout: Duration.seconds(DRAWING_LIMITS.timeoutSeconds),
      role: this.role,
      logGroup: logs,
      loggingFormat: LoggingFormat.JSON,
      environment: { ...props.environment },
    });
    acknowledge(
      this.function,
      'Both ends of each invocation go to topics, and from there to a queue with dead letters.',
      'Serverless-LambdaDLQ',
    );
    acknowledge(
      this.function,
      'Its work is in its own log lines and receipts; a trace would begin and end with it.',
      'Serverless-LambdaTracing',
    );
    const config = new CfnEventInvokeConfig(this, 'Asynchronous', {
      functionName: this.function.functionName,
      qualifier: '$LATEST',
      // The ledger decides what is run again.
      maximumRetryAttempts: 0,
      maximumEventAgeInSeconds: DEADLINE_SECONDS,
      destinationConfig: {
        onSuccess: { destination: successTopicArn },
        onFailure: { destination: errorTopicArn },
      },
    });
    // Lambda looks whether the role may publish.
    config.node.addDependency(this.role);
  }
}
