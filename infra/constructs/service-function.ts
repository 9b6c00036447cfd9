import { Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { defined } from '#shared/core/defined.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { acknowledge } from './acknowledge.ts';
import { allow, type Conditions } from './allow.ts';
import { stagePolicy } from './stage-policy.ts';
import { TIMEOUTS } from './timeouts.ts';

export interface ServiceFunctionProps {
  /** Its bundle's name, which {@link TIMEOUTS} knows, too. */
  readonly name: keyof typeof TIMEOUTS;
  /** What the function does, for the console. */
  readonly description: string;
  readonly code: Code;
  readonly memoryMib: number;
  /** @default no variables */
  readonly environment?: Readonly<Record<string, string>>;
  /** The most concurrent executions. @default the account's limit */
  readonly reservedConcurrency?: number;
  /** Where asynchronous invocations go that failed for good. @default none: see {@link whyNoDlq} */
  readonly deadLetterQueue?: IQueue;
  /** Why the function needs no dead-letter queue of its own; required without one. */
  readonly whyNoDlq?: string;
}

/**
 * A Lambda function of this project: nodejs24.x on arm64, JSON logs in a group of its own, tracing, and
 * a role that can do nothing but write those logs and traces until it is granted more.
 */
export class ServiceFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;
  readonly logGroup: LogGroup;

  constructor(
    scope: Construct,
    id: string,
    settings: DeploymentSettings,
    props: ServiceFunctionProps,
  ) {
    super(scope, id);
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: retentionDays(settings.logRetentionDays),
      removalPolicy: stagePolicy(settings.stage).removal,
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.grant(['logs:CreateLogStream', 'logs:PutLogEvents'], [this.logGroup.logGroupArn]);
    this.function = new LambdaFunction(this, 'Resource', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: props.code,
      memorySize: props.memoryMib,
      timeout: Duration.seconds(TIMEOUTS[props.name]),
      role: this.role,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      tracing: Tracing.ACTIVE,
      environment: { NODE_OPTIONS: '--enable-source-maps', ...props.environment },
      ...defined({
        reservedConcurrentExecutions: settings.reserveConcurrency
          ? props.reservedConcurrency
          : undefined,
        deadLetterQueue: props.deadLetterQueue,
      }),
    });
    acknowledge(
      this.role,
      'X-Ray takes segments under no resource: its two Put actions exist only on "*".',
      'AwsSolutions-IAM5[Resource::*]',
    );
    if (props.whyNoDlq !== undefined)
      acknowledge(this.function, props.whyNoDlq, 'Serverless-LambdaDLQ');
  }

  /** Lets the function do exactly these actions on exactly these resources. */
  grant(actions: readonly string[], resources: readonly string[], conditions?: Conditions): void {
    allow(this.role, actions, resources, conditions);
  }
}

/** CDK's enumeration for a number of days. */
export function retentionDays(days: number): RetentionDays {
  return days as RetentionDays;
}
