import { CachePolicy, OriginRequestPolicy } from 'aws-cdk-lib/aws-cloudfront';
import { describe, expect, it } from 'vitest';
import { MAX_WAIT_MS } from '#functions/api/http/limits.ts';
import { TABLE_SCHEMA } from '#shared/adapters/dynamo/table-schema.ts';
import { errorAnswer, refusal } from '#shared/core/error-body.ts';
import { EUROPEAN_PROD } from '#test/helpers/deployments.ts';
import { statementsOf } from '#test/helpers/iam-statements.ts';
import { readFromRoot } from '#test/helpers/root.ts';
import {
  everyResource,
  Match,
  PARTS,
  type Resource,
  resourcesOf,
  synthesise,
} from '#test/helpers/synthesise.ts';

/**
 * What a reviewer of this infrastructure asks for, by number. Where something is proved by another
 * test, the line says by which; the tests here hold what a template can show.
 */

const dev = synthesise();
const prod = synthesise(EUROPEAN_PROD);

const grantsOf = (role: RegExp) =>
  statementsOf(dev).filter(
    ({ type, roles }) => type === 'AWS::IAM::Policy' && roles.some((name) => role.test(name)),
  );
const actionsOf = (role: RegExp) => grantsOf(role).flatMap(({ actions }) => actions);

const functionsIn = (made: typeof dev): [string, Resource][] =>
  everyResource(made, 'AWS::Lambda::Function')
    .filter(([, id]) => !id.startsWith('Custom'))
    .map(([, id, resource]) => [id, resource]);

describe('build', () => {
  it('#1 pins the toolchain exactly, runs on nodejs24.x, takes its image by digest', () => {
    const manifest = JSON.parse(readFromRoot('package.json'));
    const { dependencies, devDependencies, engines } = manifest;
    expect(devDependencies['aws-cdk']).toMatch(/^2\.1\d{3}\.\d+$/);
    for (const name of ['aws-cdk-lib', 'constructs', 'cdk-nag']) {
      expect(devDependencies[name]).toMatch(/^\d+\.\d+\.\d+$/);
    }
    expect(dependencies.hono).toMatch(/^\d+\.\d+\.\d+$/);
    expect(engines.node).toBe('>=20.19');
    const locked = JSON.parse(readFromRoot('package-lock.json')).packages['node_modules/aws-cdk'];
    expect(locked.version).toBe(devDependencies['aws-cdk']);
    for (const [id, { Properties }] of functionsIn(dev)) {
      expect(Properties.Runtime, id).toBe('nodejs24.x');
    }
    const [model] = Object.values(resourcesOf(dev.templates.gpu, 'AWS::SageMaker::Model'));
    expect(JSON.stringify(model?.Properties.PrimaryContainer.Image)).toContain('@sha256:');
    // Offline, without credentials and Docker: test/infra/synth.test.ts runs the command itself.
  });

  it('#2 runs cdk-nag at each synth: an error would have thrown above; no finding is waved through as a whole', () => {
    const source = [
      'infra/constructs/service-function.ts',
      'infra/constructs/kill-switch.ts',
      'infra/stacks/gpu-stack.ts',
      'infra/stacks/edge-stack.ts',
      'infra/grants.ts',
    ].map(readFromRoot);
    for (const text of source) expect(text).not.toMatch(/'AwsSolutions-IAM[45]'/);
    // That the checks bite: test/infra/nag.test.ts.
  });

  it('#3 allows no action "*" and no resource "*" beyond the few that need it', () => {
    const open = statementsOf(dev).filter(
      ({ effect, actions, resources, type }) =>
        effect === 'Allow' &&
        type !== 'AWS::IAM::AssumeRole' &&
        (actions.includes('*') || resources.includes('*')),
    );
    const actions = new Set(open.flatMap((statement) => statement.actions));
    expect([...actions].sort()).toEqual([
      'cloudwatch:PutMetricData',
      'ecr:GetAuthorizationToken',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
    // Every policy of every stack, in two deployments: test/infra/iam.test.ts.
  });

  it('#4 gives the GPU role its package, its outputs, its topics, its image and its log, no more', () => {
    const digest = JSON.parse(readFromRoot('cdk.json')).context['onestep:models'][0].digest;
    const grants = grantsOf(/^OnestepDemoRole/);
    const on = (action: string) =>
      grants
        .filter(({ actions }) => actions.includes(action))
        .flatMap(({ resources }) => resources);
    expect(on('s3:GetObject').filter((arn) => arn.includes('-models-'))).toEqual([
      expect.stringContaining(`/models/${digest}/*`),
    ]);
    for (const arn of on('s3:PutObject')) expect(arn).toMatch(/\/(outputs|jobs|out|fail)\/\*/);
    expect(on('sns:Publish')).toHaveLength(2);
    expect(on('ecr:BatchGetImage')).toHaveLength(1);
    expect(on('logs:PutLogEvents')).toHaveLength(1);
    const role = Object.entries(resourcesOf(dev.templates.gpu, 'AWS::IAM::Role')).find(([id]) =>
      id.startsWith('OnestepDemoRole'),
    )?.[1].Properties;
    expect(role.ManagedPolicyArns).toBeUndefined();
    expect(role.AssumeRolePolicyDocument.Statement[0].Condition).toEqual({
      StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
    });
  });

  it('#5 lets only the dispatcher order, on these endpoints; nobody scans; webhooks write deliveries only', () => {
    for (const role of [/^ApiRole/, /^CompleteRole/, /^SweepRole/, /^WebhooksRole/]) {
      expect(actionsOf(role)).not.toContain('sagemaker:InvokeEndpointAsync');
    }
    const orders = grantsOf(/^DispatchRole/).filter(({ actions }) =>
      actions.includes('sagemaker:InvokeEndpointAsync'),
    );
    expect(orders.flatMap(({ resources }) => resources)).toEqual([
      expect.stringContaining(':endpoint/onestep-dev-onestep-demo'),
    ]);
    expect(statementsOf(dev).flatMap(({ actions }) => actions)).not.toContain('dynamodb:Scan');
    const writes = grantsOf(/^WebhooksRole/).filter(({ actions }) =>
      actions.includes('dynamodb:PutItem'),
    );
    expect(writes.map(({ conditions }) => conditions)).toEqual([
      {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['OUTBOX#*', 'RECEIVER#*'] },
        Null: { 'dynamodb:LeadingKeys': 'false' },
      },
    ]);
    // It signs URLs of the images that it tells of, so it may read those; nothing else of S3.
    expect(actionsOf(/^WebhooksRole/).filter((action) => action.startsWith('s3:'))).toEqual([
      's3:GetObject',
    ]);
  });
});

describe('endpoint', () => {
  const gpu = dev.templates.gpu;
  const only = (type: string) => Object.values(resourcesOf(gpu, type))[0]?.Properties;

  it('#6 has no fixed names that stand in the way, both digests, the AMI, one job at a time, timeouts, rollback', () => {
    expect(only('AWS::SageMaker::Model').ModelName).toBeUndefined();
    const config = only('AWS::SageMaker::EndpointConfig');
    expect(config.EndpointConfigName).toBeUndefined();
    expect(config.ProductionVariants).toEqual([
      expect.objectContaining({
        InferenceAmiVersion: 'al2023-ami-sagemaker-inference-gpu-4-1',
        ContainerStartupHealthCheckTimeoutInSeconds: 1_200,
        ModelDataDownloadTimeoutInSeconds: 1_200,
        InitialInstanceCount: 1,
      }),
    ]);
    expect(config.AsyncInferenceConfig.ClientConfig).toEqual({
      MaxConcurrentInvocationsPerInstance: 1,
    });
    expect(JSON.stringify(only('AWS::SageMaker::Model'))).toMatch(/models\/[0-9a-f]{64}\//);
    const endpoint = only('AWS::SageMaker::Endpoint');
    expect(endpoint.RetainAllVariantProperties).toBe(true);
    expect(endpoint.DeploymentConfig.BlueGreenUpdatePolicy).toBeDefined();
    expect(endpoint.DeploymentConfig.AutoRollbackConfiguration.Alarms).toHaveLength(1);
    expect(readFromRoot('docs/deploy.md')).toContain('twice');
    // AMI, base image and wheel agree on CUDA 13: test/infra/dockerfile.test.ts.
  });

  it("#7 scales from zero to the context's most: backlog by endpoint name alone, and a wake-up at one", () => {
    gpu.hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
      MinCapacity: 0,
      MaxCapacity: 1,
    });
    gpu.hasResourceProperties('AWS::ApplicationAutoScaling::ScalingPolicy', {
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingScalingPolicyConfiguration: {
        CustomizedMetricSpecification: {
          MetricName: 'ApproximateBacklogSizePerInstance',
          Dimensions: [{ Name: 'EndpointName', Value: 'onestep-dev-onestep-demo' }],
        },
      },
    });
    const [wake] = Object.entries(
      gpu.findResources('AWS::ApplicationAutoScaling::ScalingPolicy', {
        Properties: { PolicyType: 'StepScaling' },
      }),
    );
    expect(wake?.[1]['Properties'].StepScalingPolicyConfiguration).toMatchObject({
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
    });
    gpu.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'HasBacklogWithoutCapacity',
      Dimensions: [{ Name: 'EndpointName', Value: 'onestep-dev-onestep-demo' }],
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: 1,
      EvaluationPeriods: 1,
      Period: 60,
      AlarmActions: [{ 'Fn::GetAtt': [wake?.[0], 'Arn'] }],
    });
    const most = Object.values(
      resourcesOf(prod.templates.gpu, 'AWS::ApplicationAutoScaling::ScalableTarget'),
    ).map(({ Properties }) => Properties.MaxCapacity);
    expect(most).toEqual([3, 1]);
  });

  it('#8 has a ceiling: budget at 50, 80 and 100 %, forecast, anomaly monitor, and a kill switch on both', () => {
    const budget = Object.values(resourcesOf(dev.templates.operations, 'AWS::Budgets::Budget'))[0];
    const told = budget?.Properties.NotificationsWithSubscribers.map(
      // biome-ignore lint/suspicious/noExplicitAny: a template's properties.
      ({ Notification }: any) => `${Notification.NotificationType} ${Notification.Threshold}`,
    );
    expect(told).toEqual(['ACTUAL 50', 'ACTUAL 80', 'FORECASTED 100', 'ACTUAL 100']);
    const topic = budget?.Properties.NotificationsWithSubscribers[3].Subscribers[0].Address;
    dev.templates.operations.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'lambda',
      TopicArn: topic,
    });
    dev.templates.operations.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp('kill switch'),
      Threshold: 12,
      AlarmActions: Match.arrayWith([topic]),
    });
    dev.templates.operations.resourceCountIs('AWS::CE::AnomalyMonitor', 1);
    dev.templates.operations.hasResourceProperties('AWS::CE::AnomalySubscription', {
      Subscribers: [{ Type: 'SNS' }],
    });
    // Application Auto Scaling asks whether its caller may do all that scaling does, before it obeys.
    expect(actionsOf(/^KillSwitchFunction/)).toEqual(
      expect.arrayContaining([
        'application-autoscaling:RegisterScalableTarget',
        'sagemaker:DescribeEndpoint',
        'sagemaker:DescribeEndpointConfig',
        'sagemaker:UpdateEndpointWeightsAndCapacities',
        'cloudwatch:DescribeAlarms',
        'cloudwatch:PutMetricAlarm',
        'cloudwatch:DeleteAlarms',
        'lambda:UpdateFunctionConfiguration',
      ]),
    );
    // The ceiling in dollars: `onestep cost`, test/unit/deployment/cost.test.ts and docs/costs.md.
    // What the switch does: test/unit/infra/kill-switch.test.ts.
  });
});

describe('operation', () => {
  const alarms = everyResource(dev, 'AWS::CloudWatch::Alarm');

  it('#8 watches anomalies by whatever the account allows: by tag, an existing monitor, or not', () => {
    const arn = 'arn:aws:ce::123456789012:anomalymonitor/abc';
    const operations = (anomalyMonitor: string) =>
      synthesise({ 'onestep:anomalyMonitor': anomalyMonitor }).templates.operations;
    operations(arn).resourceCountIs('AWS::CE::AnomalyMonitor', 0);
    operations(arn).hasResourceProperties('AWS::CE::AnomalySubscription', {
      MonitorArnList: [arn],
    });
    operations('none').resourceCountIs('AWS::CE::AnomalyMonitor', 0);
    operations('none').resourceCountIs('AWS::CE::AnomalySubscription', 0);
  });

  it('#9 has an alarm for each thing that goes wrong, all to one topic', () => {
    const ids = alarms.map(([, id]) => id.replace(/[0-9A-F]{8}$/, ''));
    expect(ids).toEqual(
      expect.arrayContaining([
        'OnestepDemoOldestRequest',
        'OnestepDemoBacklog',
        'OnestepDemoInvocationFailures',
        'OnestepDemoExpiredRequests',
        'OnestepDemoNotificationFailures',
        'OnestepDemoZombie',
        'InstanceHours',
        'ServerErrors',
        'ApiErrors',
        'ApiThrottles',
        'WebhookDeadLetters',
        'CompletionDeadLetters',
        'LedgerMismatch',
        'TableThrottles',
        'BlockedRequests',
        'DistributionErrors',
        'DispatchDeadLetters',
        'LostCompletedDeadLetters',
        'LostFailedDeadLetters',
        'SweepDeadLetters',
        'KillSwitchDeadLetters',
      ]),
    );
    // What throttles is often an index: each has a ceiling of its own.
    const throttles = alarms.find(([, id]) => id.startsWith('TableThrottles'))?.[2].Properties;
    const measured = JSON.stringify(throttles.Metrics);
    for (const { name } of TABLE_SCHEMA.indexes) expect(measured).toContain(`"${name}"`);
    const watching = alarms.filter(([part]) => part === 'operations' || part === 'edge');
    const topics = watching.map(([, , { Properties }]) =>
      JSON.stringify(Properties.AlarmActions[0]),
    );
    expect(new Set(topics).size).toBe(1);
    expect(topics[0]).toContain('Alarms');
  });

  it('#10 has one dashboard with queue age, cold share, latencies, money, states, webhooks', () => {
    const [dashboard] = everyResource(dev, 'AWS::CloudWatch::Dashboard');
    const body = JSON.stringify(dashboard?.[2].Properties.DashboardBody);
    for (const metric of [
      'ApproximateAgeOfOldestRequest',
      'ColdJobs',
      'JobTotalMs',
      'JobGpuMs',
      'p95',
      'USD per image',
      'JobsSucceeded',
      'WebhooksDelivered',
      'CapturedMicroUsd',
    ]) {
      expect(body, metric).toContain(metric);
    }
    expect(everyResource(dev, 'AWS::CloudWatch::Dashboard')).toHaveLength(1);
  });

  it('#11 looks at quotas before deploying: test/unit/cli/deploy/preflight.test.ts', () => {
    expect(readFromRoot('functions/cli/commands.ts')).toContain('preflight');
  });
});

describe('jobs', () => {
  it('#12 idempotency: test/contract and test/aws (20 parallel creates); the record outlives its job in the table', () => {
    const [table] = everyResource(dev, 'AWS::DynamoDB::GlobalTable');
    expect(table?.[2].Properties.TimeToLiveSpecification).toEqual({
      AttributeName: 'ttl',
      Enabled: true,
    });
  });

  it('#13 reads completions from a queue, in batches that fail in part, six timeouts long, with dead letters', () => {
    const { api, data, webhooks } = dev.templates;
    for (const template of [api, webhooks]) {
      const mappings = Object.values(resourcesOf(template, 'AWS::Lambda::EventSourceMapping'));
      expect(mappings.length).toBeGreaterThan(0);
      for (const { Properties } of mappings) {
        expect(Properties.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
      }
    }
    const visibility = (made: typeof data, id: RegExp) =>
      Object.entries(resourcesOf(made, 'AWS::SQS::Queue')).find(
        ([name, { Properties }]) => id.test(name) && Properties.VisibilityTimeout !== undefined,
      )?.[1].Properties;
    const timeout = (made: typeof data, id: RegExp) =>
      Object.entries(resourcesOf(made, 'AWS::Lambda::Function')).find(([name]) =>
        id.test(name),
      )?.[1].Properties.Timeout;
    const pairs = [
      [visibility(api, /^CompletionQueue/), timeout(api, /^Complete/)],
      [visibility(data, /^DispatchQueue/), timeout(api, /^Dispatch/)],
      [visibility(data, /^WebhookQueue/), timeout(webhooks, /^Webhooks/)],
    ];
    for (const [queue, seconds] of pairs) {
      expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * seconds);
      expect(queue.RedrivePolicy.maxReceiveCount).toBeGreaterThan(1);
    }
    for (const subscription of Object.values(resourcesOf(api, 'AWS::SNS::Subscription'))) {
      expect(subscription.Properties.Protocol).toBe('sqs');
      expect(subscription.Properties.RedrivePolicy).toBeDefined();
    }
    // A reader that may run n times at once is never asked more often: what Lambda turns away counts as
    // a receive, and goes to the dead letters after five of those.
    const readers = new Map(functionsIn(dev));
    for (const [, id, { Properties }] of everyResource(dev, 'AWS::Lambda::EventSourceMapping')) {
      const reserved = readers.get(Properties.FunctionName.Ref)?.Properties
        .ReservedConcurrentExecutions;
      if (reserved === undefined) continue;
      expect(Properties.ScalingConfig?.MaximumConcurrency, id).toBe(reserved);
    }
    // Duplicates, reordering, loss, unknown states: test/aws/system/completions.test.ts.
  });

  it('#14 sweeps every minute, one at a time, and knows when it could not', () => {
    dev.templates.api.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      Target: { DeadLetterConfig: Match.anyValue() },
    });
    const [, sweep] = functionsIn(dev).find(([id]) => /^Sweep/.test(id)) ?? [];
    expect(sweep?.Properties.ReservedConcurrentExecutions).toBe(1);
    // The ledger under random faults: test/unit/domain and test/aws.
  });

  it("#15 keeps the dispatcher's bound above the target of scaling, so that a second instance can start", async () => {
    const { BACKLOG_TARGET } = await import('#infra/constructs/endpoint-scaling.ts');
    const { loadDispatchConfig } = await import('#functions/dispatch/config.ts');
    const [, dispatch] = functionsIn(dev).find(([id]) => /^Dispatch/.test(id)) ?? [];
    const variables = dispatch?.Properties.Environment.Variables as Record<string, unknown>;
    const config = loadDispatchConfig({
      AWS_REGION: 'us-east-1',
      TABLE_NAME: 'table',
      OUTPUT_BUCKET_NAME: 'bucket',
      RECEIPT_SECRET_ARN: 'arn',
      MODELS: String(variables['MODELS']),
    });
    expect(config.JOBS_PER_INSTANCE).toBeGreaterThan(BACKLOG_TARGET);
    // Both times on each order: test/unit/adapters/aws/sagemaker-queue.test.ts.
  });
});

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
        expect(Properties.CorsConfiguration, id).toBeUndefined();
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

describe('way in', () => {
  const { api, edge } = dev.templates;

  it('#18 is CloudFront alone: signed by OAC, with both grants, the body included, TLS 1.2, HSTS, nosniff', () => {
    api.hasResourceProperties('AWS::Lambda::Url', {
      AuthType: 'AWS_IAM',
      InvokeMode: 'RESPONSE_STREAM',
    });
    api.hasResourceProperties('AWS::CloudFront::OriginAccessControl', {
      OriginAccessControlConfig: { SigningBehavior: 'always', SigningProtocol: 'sigv4' },
    });
    for (const Action of ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction']) {
      api.hasResourceProperties('AWS::Lambda::Permission', {
        Action,
        Principal: 'cloudfront.amazonaws.com',
        SourceArn: Match.anyValue(),
      });
    }
    const behaviour = (made: typeof dev) =>
      Object.values(resourcesOf(made.templates.api, 'AWS::CloudFront::Distribution'))[0]?.Properties
        .DistributionConfig;
    expect(behaviour(dev).DefaultCacheBehavior).toMatchObject({
      AllowedMethods: expect.arrayContaining(['POST', 'DELETE']),
      ViewerProtocolPolicy: 'https-only',
      LambdaFunctionAssociations: [
        expect.objectContaining({ EventType: 'origin-request', IncludeBody: true }),
      ],
    });
    const { DefaultCacheBehavior: cached, Origins } = behaviour(dev);
    const managed = (policy: {
      readonly cachePolicyId?: string;
      readonly originRequestPolicyId?: string;
    }) => policy.cachePolicyId ?? policy.originRequestPolicyId;
    expect(cached.CachePolicyId).toBe(managed(CachePolicy.CACHING_DISABLED));
    expect(cached.OriginRequestPolicyId).toBe(
      managed(OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER),
    );
    // A create may be held open for 52 s: nothing on its way gives up before, or asks twice.
    expect(Origins).toEqual([expect.objectContaining({ ConnectionAttempts: 1 })]);
    expect(Origins[0].CustomOriginConfig.OriginReadTimeout * 1_000).toBeGreaterThan(MAX_WAIT_MS);
    const [, apiFunction] = functionsIn(dev).find(([id]) => /^Api/.test(id)) ?? [];
    expect(apiFunction?.Properties.Timeout * 1_000).toBeGreaterThan(MAX_WAIT_MS);
    expect(behaviour(prod).ViewerCertificate.MinimumProtocolVersion).toBe('TLSv1.2_2021');
    api.hasResourceProperties('AWS::CloudFront::ResponseHeadersPolicy', {
      ResponseHeadersPolicyConfig: {
        SecurityHeadersConfig: {
          StrictTransportSecurity: Match.anyValue(),
          ContentTypeOptions: { Override: true },
        },
      },
    });
    // The URL has no other caller: nothing but CloudFront is named in a permission.
    const principals = Object.values(resourcesOf(api, 'AWS::Lambda::Permission')).map(
      ({ Properties }) => Properties.Principal,
    );
    expect(new Set(principals)).toEqual(new Set(['cloudfront.amazonaws.com']));
  });

  it('#19 has a firewall: managed rules, rates by address and by key, no key in its log', () => {
    const [acl] = Object.values(resourcesOf(edge, 'AWS::WAFv2::WebACL'));
    const text = JSON.stringify(acl?.Properties.Rules);
    for (const part of [
      'AWSManagedRulesCommonRuleSet',
      'AWSManagedRulesKnownBadInputsRuleSet',
      '"AggregateKeyType":"IP"',
      '"AggregateKeyType":"CUSTOM_KEYS"',
      '"Name":"authorization"',
    ]) {
      expect(text).toContain(part);
    }
    // Its own 429 has the shape of ours.
    const { Content } = acl?.Properties.CustomResponseBodies['too-many-requests'] ?? {};
    const ours = JSON.parse(errorAnswer(refusal('rate-limited', 'x'), 'req').body);
    expect(Object.keys(JSON.parse(Content)).sort()).toEqual(
      Object.keys(ours)
        .filter((name) => name !== 'request_id')
        .sort(),
    );
    expect(JSON.parse(Content)).toMatchObject({
      type: ours.type,
      error: { code: ours.error.code },
    });
    const [logging] = Object.values(resourcesOf(edge, 'AWS::WAFv2::LoggingConfiguration'));
    expect(JSON.stringify(logging?.Properties.RedactedFields)).toContain('authorization');
    const [distribution] = Object.values(resourcesOf(api, 'AWS::CloudFront::Distribution'));
    expect(distribution?.Properties.DistributionConfig.WebACLId).toBeDefined();
    // 64 KB bodies and the prompt's cap: test/unit/edge and test/unit/api.
  });

  it('#20 has no secret in a template or a variable: only names and ARNs of them', () => {
    const variables = functionsIn(dev).flatMap(([, { Properties }]) =>
      Object.entries(Properties.Environment?.Variables ?? {}),
    );
    const about = variables.filter(([name]) => /SECRET|MAC|KEY|TOKEN|PASSWORD/.test(name));
    expect(about.length).toBeGreaterThan(2);
    for (const [name] of about) expect(name).toMatch(/_(ARN|NAME)$/);
    for (const part of PARTS) {
      expect(JSON.stringify(dev.templates[part].toJSON())).not.toMatch(/"SecretString"/);
    }
    // Keys: random bits, hashes, rotation, revocation: test/unit/domain.
  });

  it('#21 lets one function deliver webhooks, alone and bounded; the rest is in test/unit/domain/webhooks', () => {
    const [mapping] = Object.values(
      resourcesOf(dev.templates.webhooks, 'AWS::Lambda::EventSourceMapping'),
    );
    expect(mapping?.Properties.ScalingConfig.MaximumConcurrency).toBe(20);
    const [, sender] = functionsIn(dev).find(([id]) => /^Webhooks/.test(id)) ?? [];
    expect(sender?.Properties.VpcConfig).toBeUndefined();
    // What signs receipts, for its payloads carry them; never what API keys are made with.
    const secrets = grantsOf(/^WebhooksRole/).filter(({ actions }) =>
      actions.includes('secretsmanager:GetSecretValue'),
    );
    expect(secrets.map(({ resources }) => resources)).toEqual([
      [expect.stringContaining('ReceiptSecret')],
    ]);
  });
});

describe('housekeeping', () => {
  it('#22 keeps every log group in a stack with a retention, traces, logs JSON, reads metrics off the logs', () => {
    const groups = everyResource(dev, 'AWS::Logs::LogGroup');
    for (const [made, policy] of [
      [dev, 'Delete'],
      [prod, 'Retain'],
    ] as const) {
      for (const [, id, group] of everyResource(made, 'AWS::Logs::LogGroup')) {
        expect(group.Properties.RetentionInDays, id).toBe(30);
        // A group with a fixed name that outlives its stack makes the next deployment fail.
        expect(group.DeletionPolicy, id).toBe(policy);
      }
    }
    const names = groups.map(([, , { Properties }]) => Properties.LogGroupName).filter(Boolean);
    expect(names).toContain('/aws/sagemaker/Endpoints/onestep-dev-onestep-demo');
    for (const [id, { Properties }] of functionsIn(dev)) {
      if (id.startsWith('Edge')) continue;
      expect(Properties.TracingConfig, id).toEqual({ Mode: 'Active' });
      expect(Properties.LoggingConfig.LogFormat, id).toBe('JSON');
      expect(Properties.LoggingConfig.LogGroup, id).toBeDefined();
    }
    expect(everyResource(dev, 'AWS::Logs::MetricFilter').length).toBeGreaterThan(10);
  });

  it('#23 tags everything that can be tagged', () => {
    const untagged: string[] = [];
    let tagged = 0;
    for (const [part, id, { Type, Properties }] of everyResource(prod)) {
      if (Type.startsWith('Custom::') || !TAGGED.has(Type)) continue;
      const text = JSON.stringify(Properties.Tags ?? Properties.Replicas ?? {});
      const all = ['project', 'stage', 'owner', 'cost-center'].every((tag) =>
        text.includes(`"${tag}"`),
      );
      if (all) tagged++;
      else untagged.push(`${part} ${id} (${Type})`);
    }
    expect(untagged).toEqual([]);
    expect(tagged).toBeGreaterThan(40);
    expect(readFromRoot('docs/costs.md')).toContain('cost allocation tag');
  });

  it('#24 leaves nothing in dev and everything in prod, in the order that SageMaker wants', () => {
    const stateful = [
      'AWS::S3::Bucket',
      'AWS::DynamoDB::GlobalTable',
      'AWS::ECR::Repository',
      'AWS::SecretsManager::Secret',
    ];
    for (const [made, policy] of [
      [dev, 'Delete'],
      [prod, 'Retain'],
    ] as const) {
      for (const type of stateful) {
        for (const [, id, resource] of everyResource(made, type)) {
          expect(resource.DeletionPolicy, id).toBe(policy);
        }
      }
      const [table] = everyResource(made, 'AWS::DynamoDB::GlobalTable');
      const [replica] = table?.[2].Properties.Replicas ?? [];
      expect(replica.DeletionProtectionEnabled).toBe(policy === 'Retain');
      expect(replica.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled).toBe(true);
      for (const stack of Object.values(made.deployment)) {
        expect(stack.terminationProtection).toBe(policy === 'Retain');
      }
    }
    // CloudFormation deletes what depends before what it depends on.
    const ids = (type: string) => Object.keys(resourcesOf(dev.templates.gpu, type));
    const [target] = Object.values(
      resourcesOf(dev.templates.gpu, 'AWS::ApplicationAutoScaling::ScalableTarget'),
    );
    expect(target?.DependsOn).toEqual(ids('AWS::SageMaker::Endpoint'));
    // The order and what is left: `onestep nuke`, test/unit/cli/deploy/nuke.test.ts.
  });

  it('#25 container: test/infra/dockerfile.test.ts, and test/unit/gpu for the HTTP contract', () => {
    const [model] = Object.values(resourcesOf(dev.templates.gpu, 'AWS::SageMaker::Model'));
    const { Environment } = model?.Properties.PrimaryContainer ?? {};
    // The CPU only ever by a flag, which no deployment sets.
    expect(Environment).not.toHaveProperty('ALLOW_CPU');
  });
});

/** The types that CloudFormation tags and that this project has. */
const TAGGED = new Set([
  'AWS::DynamoDB::GlobalTable',
  'AWS::S3::Bucket',
  'AWS::ECR::Repository',
  'AWS::SecretsManager::Secret',
  'AWS::SQS::Queue',
  'AWS::SNS::Topic',
  'AWS::Lambda::Function',
  'AWS::IAM::Role',
  'AWS::Logs::LogGroup',
  'AWS::SageMaker::Model',
  'AWS::SageMaker::EndpointConfig',
  'AWS::SageMaker::Endpoint',
  'AWS::CloudFront::Distribution',
  'AWS::WAFv2::WebACL',
  'AWS::CertificateManager::Certificate',
  'AWS::CloudWatch::Alarm',
  'AWS::Lambda::EventSourceMapping',
]);
