import { CachePolicy, OriginRequestPolicy } from 'aws-cdk-lib/aws-cloudfront';
import { describe, expect, it } from 'vitest';
import { MAX_WAIT_MS } from '#functions/api/http/limits.ts';
import { errorAnswer } from '#shared/core/error-body.ts';
import { AppError } from '#shared/core/errors.ts';
import { Match, PARTS, resourcesOf, type Synthesised } from '#test/helpers/synthesise.ts';
import { dev, functionsIn, grantsOf, prod } from './templates.ts';

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
    // A name of ours would be taken for as long as CloudFront keeps copies of an earlier function.
    const [[edgeId, edgeFunction] = []] = functionsIn(dev).filter(([id]) => /^Edge/.test(id));
    expect(edgeFunction?.Properties.FunctionName).toBeUndefined();
    edge.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: { 'Fn::Join': ['', ['/aws/lambda/us-east-1.', { Ref: edgeId }]] },
    });
    const behaviour = (made: Synthesised) =>
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
    // A key is counted as one however it is written: capitals, spaces, escapes; in a page's cookie too.
    const rates = acl?.Properties.Rules.flatMap(
      (rule: { Statement: { RateBasedStatement?: { CustomKeys?: unknown[] } } }) =>
        rule.Statement.RateBasedStatement?.CustomKeys ?? [],
    );
    const TextTransformations = [
      { Priority: 0, Type: 'URL_DECODE' },
      { Priority: 1, Type: 'CMD_LINE' },
    ];
    expect(rates).toEqual([
      { Header: { Name: 'authorization', TextTransformations } },
      { Cookie: { Name: 'onestep_session', TextTransformations } },
    ]);
    // Its own 429 has the shape of ours.
    const { Content } = acl?.Properties.CustomResponseBodies['too-many-requests'] ?? {};
    const ours = JSON.parse(errorAnswer(new AppError('rate-limited', 'x'), 'req').body);
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
