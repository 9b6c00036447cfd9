import { Duration } from 'aws-cdk-lib';
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  LambdaEdgeEventType,
  OriginRequestPolicy,
  ResponseHeadersPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { FunctionUrlOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { type FunctionUrl, type IVersion, Version } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import type { EdgeStack } from '#infra/edge/edge-stack.ts';

/** Longer than the longest blocked create (52 s), as long as CloudFront allows without asking. */
const ORIGIN_TIMEOUT_SECONDS = 60;

/**
 * CloudFront in front of the API: nothing cached, every method, the edge function on each request to
 * the origin with its body, and requests signed by origin access control.
 */
export function createDistribution(
  scope: Construct,
  edge: EdgeStack,
  functionUrl: FunctionUrl,
): Distribution {
  const { settings, certificate } = edge;
  const edgeVersion = Version.fromVersionArn(scope, 'EdgeVersion', edge.edgeVersion.functionArn);
  const distribution = new Distribution(scope, 'Distribution', {
    comment: `Onestep API (${settings.stage})`,
    ...(edge.webAcl !== undefined && { webAclId: edge.webAcl.attrArn }),
    httpVersion: HttpVersion.HTTP2_AND_3,
    enableLogging: true,
    logBucket: edge.distributionLogs as IBucket,
    logIncludesCookies: false,
    ...(settings.domainName === undefined || certificate === undefined
      ? {}
      : {
          domainNames: [settings.domainName],
          certificate,
          minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
        }),
    defaultBehavior: {
      origin: FunctionUrlOrigin.withOriginAccessControl(functionUrl, {
        readTimeout: Duration.seconds(ORIGIN_TIMEOUT_SECONDS),
        // A POST that is sent again could be a second order to clients that name no idempotency key.
        connectionAttempts: 1,
      }),
      allowedMethods: AllowedMethods.ALLOW_ALL,
      cachePolicy: CachePolicy.CACHING_DISABLED,
      originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
      responseHeadersPolicy: securityHeaders(scope),
      compress: false,
      edgeLambdas: [
        {
          eventType: LambdaEdgeEventType.ORIGIN_REQUEST,
          functionVersion: edgeVersion as IVersion,
          includeBody: true,
        },
      ],
    },
  });
  acknowledge(
    distribution,
    'An API for paying callers anywhere; who may call is decided by API keys, not by country.',
    'AwsSolutions-CFR1',
  );
  if (edge.webAcl === undefined) {
    acknowledge(
      distribution,
      'Without the firewall, which dev may do without, keys, the edge function and the rates that the table holds still refuse what must not pass.',
      'AwsSolutions-CFR2',
    );
  }
  if (settings.domainName === undefined) {
    acknowledge(
      distribution,
      "Without a domain of its own the distribution has cloudfront.net's certificate, whose minimum cannot be set; with onestep:domainName it is TLS 1.2.",
      'AwsSolutions-CFR4',
    );
  }
  return distribution;
}

function securityHeaders(scope: Construct): ResponseHeadersPolicy {
  return new ResponseHeadersPolicy(scope, 'SecurityHeaders', {
    securityHeadersBehavior: {
      strictTransportSecurity: {
        accessControlMaxAge: Duration.days(365),
        includeSubdomains: true,
        override: true,
      },
      contentTypeOptions: { override: true },
      frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
      referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
    },
  });
}
