import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Takes note of one finding of cdk-nag on one construct, with the reason why it stands. The reason is
 * read by whoever audits the deployment: it says what makes the finding harmless here.
 */
export function acknowledge(
  construct: IConstruct,
  reason: string,
  ...ids: readonly string[]
): void {
  for (const id of ids) Validations.of(construct).acknowledge({ id, reason });
}
