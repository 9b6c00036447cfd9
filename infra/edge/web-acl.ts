import { ArnFormat, Stack } from 'aws-cdk-lib';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnLoggingConfiguration, CfnWebACL } from 'aws-cdk-lib/aws-wafv2';
import type { Construct } from 'constructs';
import { retentionDays } from '#infra/constructs/service-function.ts';
import { stagePolicy } from '#infra/constructs/stage-policy.ts';
import { SESSION_COOKIE } from '#shared/adapters/http/session-cookie.ts';
import { errorBody } from '#shared/core/error-body.ts';
import { AppError } from '#shared/core/errors.ts';
import { PROJECT } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

/** The window of the rate rules. */
const RATE_WINDOW_SECONDS = 300;

/**
 * Rules of the common set that count instead of block. The first four look at bodies, and a prompt may
 * hold anything: markup, paths, addresses, eight kilobytes of them. The edge function caps bodies
 * itself. The last would refuse clients that name no user agent.
 */
const COUNTED_RULES = [
  'SizeRestrictions_BODY',
  'CrossSiteScripting_BODY',
  'GenericLFI_BODY',
  'GenericRFI_BODY',
  'NoUserAgent_HEADER',
];

/**
 * What makes one of the many ways to write a key: escapes, quotes, runs of spaces, capitals. Keys that
 * differ in capitals alone do not occur. `Bearer`, `Token` and `Key` stay three, and Basic has as many as
 * there are user names: a key's own rate, which the API holds, counts them as one.
 */
const ONE_SPELLING: CfnWebACL.TextTransformationProperty[] = [
  { priority: 0, type: 'URL_DECODE' },
  { priority: 1, type: 'CMD_LINE' },
];

/** Keys, and signed transfers: who reads these could have what they pay for. */
const REDACTED_HEADERS = [
  'authorization',
  'x-onestep-authorization',
  'cookie',
  'payment-signature',
  'x-payment',
];

/** A header or cookie that is not there has no size. */
const isAbsent = (fieldToMatch: CfnWebACL.FieldToMatchProperty): CfnWebACL.StatementProperty => ({
  notStatement: {
    statement: {
      sizeConstraintStatement: {
        fieldToMatch,
        comparisonOperator: 'GE',
        size: 0,
        textTransformations: [{ priority: 0, type: 'NONE' }],
      },
    },
  },
});

/** Orders of payers without an account: each costs a look at the chain before anything is paid. */
const POST_WITHOUT_CREDENTIALS: CfnWebACL.StatementProperty = {
  andStatement: {
    statements: [
      {
        byteMatchStatement: {
          fieldToMatch: { method: {} },
          positionalConstraint: 'EXACTLY',
          searchString: 'POST',
          textTransformations: [{ priority: 0, type: 'NONE' }],
        },
      },
      isAbsent({ singleHeader: { Name: 'authorization' } }),
      isAbsent({
        cookies: {
          matchPattern: { includedCookies: [SESSION_COOKIE] },
          matchScope: 'VALUE',
          oversizeHandling: 'NO_MATCH',
        },
      }),
    ],
  },
};

/** The firewall in front of the distribution: managed rules, and rates by address and by API key. */
export function createWebAcl(scope: Construct, settings: DeploymentSettings): CfnWebACL {
  const name = firewallName(settings);
  const webAcl = new CfnWebACL(scope, 'WebAcl', {
    name,
    scope: 'CLOUDFRONT',
    defaultAction: { allow: {} },
    visibilityConfig: visibility(name),
    customResponseBodies: {
      'too-many-requests': { contentType: 'APPLICATION_JSON', content: tooManyRequests() },
    },
    rules: [
      rateRule('rate-by-address', 0, settings.rateLimitPerIp, { aggregateKeyType: 'IP' }),
      rateRule('rate-by-key', 1, settings.rateLimitPerKey, {
        aggregateKeyType: 'CUSTOM_KEYS',
        customKeys: [{ header: { name: 'authorization', textTransformations: ONE_SPELLING } }],
      }),
      rateRule('rate-by-session', 2, settings.rateLimitPerKey, {
        aggregateKeyType: 'CUSTOM_KEYS',
        customKeys: [{ cookie: { name: SESSION_COOKIE, textTransformations: ONE_SPELLING } }],
      }),
      managedRule('known-bad-inputs', 3, 'AWSManagedRulesKnownBadInputsRuleSet'),
      managedRule('common', 4, 'AWSManagedRulesCommonRuleSet', COUNTED_RULES),
      ...(settings.x402 === undefined
        ? []
        : [
            rateRule('rate-of-unpaid', 5, settings.rateLimitUnpaid, {
              aggregateKeyType: 'IP',
              scopeDownStatement: POST_WITHOUT_CREDENTIALS,
            }),
          ]),
    ],
  });
  const logs = new LogGroup(scope, 'WebAclLogs', {
    // WAF takes no group whose name begins otherwise.
    logGroupName: `aws-waf-logs-${name}`,
    retention: retentionDays(settings.logRetentionDays),
    removalPolicy: stagePolicy(settings.stage).removal,
  });
  new CfnLoggingConfiguration(scope, 'WebAclLogging', {
    resourceArn: webAcl.attrArn,
    logDestinationConfigs: [
      Stack.of(scope).formatArn({
        service: 'logs',
        resource: 'log-group',
        resourceName: logs.logGroupName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    ],
    // API keys stay out of the logs, whichever header carries them.
    redactedFields: REDACTED_HEADERS.map((header) => ({ singleHeader: { Name: header } })),
    loggingFilter: {
      DefaultBehavior: 'DROP',
      Filters: [
        {
          Behavior: 'KEEP',
          Requirement: 'MEETS_ANY',
          Conditions: ['BLOCK', 'COUNT'].map((Action) => ({ ActionCondition: { Action } })),
        },
      ],
    },
  });
  return webAcl;
}

/** The firewall's name, which its metrics go by too. */
export function firewallName(settings: DeploymentSettings): string {
  return `${PROJECT}-${settings.stage}`;
}

/** As the API's own 429, but for the request's id: WAF knows none. */
function tooManyRequests(): string {
  const error = new AppError('rate-limited', 'Too many requests. Wait a few minutes.');
  const { request_id: _, ...body } = errorBody(error, '');
  return JSON.stringify(body);
}

function rateRule(
  name: string,
  priority: number,
  limit: number,
  by: Omit<CfnWebACL.RateBasedStatementProperty, 'limit' | 'evaluationWindowSec'>,
): CfnWebACL.RuleProperty {
  return {
    name,
    priority,
    action: {
      block: {
        customResponse: {
          responseCode: 429,
          customResponseBodyKey: 'too-many-requests',
          responseHeaders: [{ name: 'retry-after', value: String(RATE_WINDOW_SECONDS) }],
        },
      },
    },
    statement: {
      rateBasedStatement: { limit, evaluationWindowSec: RATE_WINDOW_SECONDS, ...by },
    },
    visibilityConfig: visibility(name),
  };
}

function managedRule(
  name: string,
  priority: number,
  group: string,
  counted: readonly string[] = [],
): CfnWebACL.RuleProperty {
  return {
    name,
    priority,
    overrideAction: { none: {} },
    statement: {
      managedRuleGroupStatement: {
        vendorName: 'AWS',
        name: group,
        ruleActionOverrides: counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
      },
    },
    visibilityConfig: visibility(name),
  };
}

function visibility(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: false };
}
