import { HostedZone, type IHostedZone } from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

/** The zone that holds the deployment's domain, where the settings name it. */
export function hostedZone(
  scope: Construct,
  { hostedZoneId, hostedZoneName }: DeploymentSettings,
): IHostedZone | undefined {
  if (hostedZoneId === undefined || hostedZoneName === undefined) return undefined;
  return HostedZone.fromHostedZoneAttributes(scope, 'Zone', {
    hostedZoneId,
    zoneName: hostedZoneName,
  });
}
