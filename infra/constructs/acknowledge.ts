import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Acknowledges a finding of cdk-nag on one construct. The reason is for those who audit the deployment:
 * it says what makes the finding harmless here.
 */
export function acknowledge(
  construct: IConstruct,
  reason: string,
  ...ids: readonly string[]
): void {
  for (const id of ids) Validations.of(construct).acknowledge({ id, reason });
}
