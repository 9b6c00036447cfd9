import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  Certificate,
  CertificateValidation,
  type ICertificate,
} from 'aws-cdk-lib/aws-certificatemanager';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { CompositePrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type Code,
  Function as LambdaFunction,
  Runtime,
  type Version,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { CfnWebACL } from 'aws-cdk-lib/aws-wafv2';
import { USE_CDK_MANAGED_LAMBDA_LOGGROUP } from 'aws-cdk-lib/cx-api';
import type { Construct } from 'constructs';
import type { EdgeEnv } from '#functions/edge/config.ts';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { type AlarmSpec, createAlarm, FIVE_MINUTES } from '#infra/constructs/alarm.ts';
import { createAlarmTopic } from '#infra/constructs/alarm-topic.ts';
import { allow } from '#infra/constructs/allow.ts';
import { hostedZone } from '#infra/constructs/hosted-zone.ts';
import { OnestepStack } from '#infra/constructs/onestep-stack.ts';
import { createPrivateBucket } from '#infra/constructs/private-bucket.ts';
import { retentionDays } from '#infra/constructs/service-function.ts';
import { stagePolicy } from '#infra/constructs/stage-policy.ts';
import { TIMEOUTS } from '#infra/constructs/timeouts.ts';
import type { DataStack } from '#infra/data/data-stack.ts';
import { defined } from '#shared/core/defined.ts';
import { macSecretName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { createWebAcl, firewallName } from './web-acl.ts';

/** The edge function's settings, which its bundler writes into the code. */
export function edgeSettings(settings: DeploymentSettings): EdgeEnv {
  return {
    MAC_SECRET_ARN: macSecretName(settings.stage),
    MAC_SECRET_REGION: settings.region,
    MAX_BODY_BYTES: '65536',
    ...(settings.x402 !== undefined && { X402: '1' as const }),
    ...defined({
      PUBLIC_HOST: settings.domainName,
      STRIPE: settings.stripeSecretArn === undefined ? undefined : ('1' as const),
    }),
  };
}

/** What CloudFront takes from us-east-1 only: edge function, firewall, certificate; and its logs. */
export class EdgeStack extends OnestepStack {
  readonly edgeFunction: LambdaFunction;
  readonly edgeVersion: Version;
  /** Absent where the settings want no firewall. */
  readonly webAcl: CfnWebACL | undefined;
  readonly certificate: ICertificate | undefined;
  readonly distributionLogs: Bucket;

  constructor(scope: Construct, settings: DeploymentSettings, data: DataStack, code: Code) {
    super(scope, 'edge', settings);
    // The CDK would make another group under the function's own name, where Lambda@Edge never writes.
    this.node.setContext(USE_CDK_MANAGED_LAMBDA_LOGGROUP, false);
    this.edgeFunction = this.createEdgeFunction(code);
    this.edgeVersion = this.edgeFunction.currentVersion;
    this.webAcl = settings.firewall ? createWebAcl(this, settings) : undefined;
    if (this.webAcl !== undefined) this.alarmOnBlocks(data);
    this.certificate = this.createCertificate();
    this.distributionLogs = createPrivateBucket(this, 'DistributionLogs', {
      stage: settings.stage,
      aclLogs: true,
      lifecycle: [{ id: 'old-logs', expiration: Duration.days(settings.logRetentionDays) }],
    });
  }

  /**
   * Lambda@Edge: no variables, no arm64, no dead-letter queue, no tracing. Its logs go to a group of
   * this name in whichever region the viewer is near; the one of us-east-1 is made here.
   */
  private createEdgeFunction(code: Code): LambdaFunction {
    // CloudFormation's own name for it, which begins with the stack's: a name of ours would be taken for
    // as long as the copies of an earlier function of that name last.
    const logGroupNames = `/aws/lambda/us-east-1.${this.stackName}-*`;
    const role = new Role(this, 'EdgeRole', {
      assumedBy: new CompositePrincipal(
        new ServicePrincipal('lambda.amazonaws.com'),
        new ServicePrincipal('edgelambda.amazonaws.com'),
      ),
    });
    const logs = `arn:aws:logs:*:${this.account}:log-group:${logGroupNames}`;
    allow(role, ['logs:CreateLogGroup'], [logs]);
    allow(role, ['logs:CreateLogStream', 'logs:PutLogEvents'], [`${logs}:*`]);
    // Secrets Manager ends a secret's ARN with six characters of its own choice.
    const secretArn = `arn:aws:secretsmanager:${this.settings.region}:${this.account}:secret:${macSecretName(this.settings.stage)}-??????`;
    allow(role, ['secretsmanager:GetSecretValue'], [secretArn]);
    const edgeFunction = new LambdaFunction(this, 'EdgeFunction', {
      description: 'Verifies API keys offline, hashes bodies for origin access control, forwards.',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.X86_64,
      handler: 'index.handler',
      code,
      memorySize: 256,
      timeout: Duration.seconds(TIMEOUTS.edge),
      role,
      // Replicas outlive a distribution's change by hours: deleting the old version would fail.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
    new LogGroup(this, 'EdgeLogs', {
      logGroupName: `/aws/lambda/us-east-1.${edgeFunction.functionName}`,
      retention: retentionDays(this.settings.logRetentionDays),
      removalPolicy: stagePolicy(this.settings.stage).removal,
    });
    acknowledgeEdge(edgeFunction, role, logGroupNames);
    return edgeFunction;
  }

  /** Alarms can't watch another region's metrics: outside us-east-1 this one has a topic of its own. */
  private alarmOnBlocks(data: DataStack): void {
    const topic =
      this.settings.region === 'us-east-1'
        ? data.alarmTopic
        : createAlarmTopic(this, 'Alarms', { email: this.settings.alarmEmail });
    const spec: AlarmSpec = {
      says: 'The firewall blocks unusually many requests. Look at its log group before raising a limit.',
      metric: new Metric({
        namespace: 'AWS/WAFV2',
        metricName: 'BlockedRequests',
        dimensionsMap: { WebACL: firewallName(this.settings), Rule: 'ALL' },
        statistic: Stats.SUM,
        period: FIVE_MINUTES,
      }),
      threshold: 1_000,
    };
    createAlarm(this, 'BlockedRequests', spec, topic);
  }

  private createCertificate(): ICertificate | undefined {
    const { domainName, certificateArn } = this.settings;
    if (certificateArn !== undefined) {
      return Certificate.fromCertificateArn(this, 'Certificate', certificateArn);
    }
    const zone = hostedZone(this, this.settings);
    if (domainName === undefined || zone === undefined) return undefined;
    return new Certificate(this, 'Certificate', {
      domainName,
      validation: CertificateValidation.fromDns(zone),
    });
  }
}

function acknowledgeEdge(edgeFunction: LambdaFunction, role: Role, logGroupNames: string): void {
  acknowledge(
    edgeFunction,
    'Lambda@Edge takes no dead-letter queue, and CloudFront only ever invokes it synchronously.',
    'Serverless-LambdaDLQ',
  );
  acknowledge(
    edgeFunction,
    'Lambda@Edge does not support X-Ray tracing.',
    'Serverless-LambdaTracing',
  );
  acknowledge(
    role,
    'Lambda@Edge logs in the region nearest to the viewer: the region is open, account and log group are not.',
    `AwsSolutions-IAM5[Resource::arn:aws:logs:*:<AWS::AccountId>:log-group:${logGroupNames}]`,
    `AwsSolutions-IAM5[Resource::arn:aws:logs:*:<AWS::AccountId>:log-group:${logGroupNames}:*]`,
  );
}
