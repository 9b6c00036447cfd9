import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { AppError } from '#shared/core/errors.ts';
import { endpointName, STACK_PARTS, type StackPart, stackName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

export interface NukeDeps {
  /** Stops scaling, so that nothing starts an instance while the endpoint goes. Absent is fine. */
  readonly deregisterScaling: (endpoint: string) => Promise<void>;
  /** Deletes the endpoint and waits until it is gone. Absent is fine. */
  readonly deleteEndpoint: (endpoint: string) => Promise<void>;
  /** `cdk destroy` of one stack. */
  readonly destroyStack: (part: StackPart) => Promise<void>;
  /**
   * Deletes a stack whose deletion has failed without the functions that it failed for.
   * @returns their names
   */
  readonly abandonStack: (name: string, region: string) => Promise<readonly string[]>;
  readonly stackExists: (name: string, region: string) => Promise<boolean>;
  readonly say: (line: string) => void;
}

export interface NukeResult {
  /** What is still there, or may be, and how it goes. */
  readonly leftovers: readonly string[];
}

/**
 * Takes a deployment down: GPUs first, since they cost most, then the stacks in the reverse order of
 * their creation. `prod` is refused: its stacks and table are protected, and unprotecting them is a
 * decision that docs/operations.md describes.
 *
 * @throws AppError `permission-denied` for prod; what failed otherwise, after which it can run again
 */
export async function nuke(deps: NukeDeps, settings: DeploymentSettings): Promise<NukeResult> {
  refuseProd(settings);
  for (const model of settings.models.filter(hasInstances)) {
    const name = endpointName(settings.stage, model.name);
    deps.say(`endpoint ${name}`);
    await deps.deregisterScaling(name);
    await deps.deleteEndpoint(name);
  }
  const leftovers: string[] = [];
  for (const part of [...STACK_PARTS].reverse()) {
    const name = stackName(settings.stage, part);
    const region = part === 'edge' ? 'us-east-1' : settings.region;
    if (!(await deps.stackExists(name, region))) continue;
    deps.say(`stack ${name}`);
    try {
      await deps.destroyStack(part);
    } catch (error) {
      if (part !== 'edge') throw error;
      // Its stack would stand in the way of a new deployment for as long as CloudFront's copies last.
      for (const left of await deps.abandonStack(name, region)) {
        leftovers.push(
          `function ${left} (us-east-1): CloudFront's copies of it disappear hours after the distribution. Then: "aws lambda delete-function --region us-east-1 --function-name ${left}"`,
        );
      }
    }
  }
  return { leftovers: [...leftovers, ...alwaysLeft(settings)] };
}

/** @throws AppError `permission-denied` for prod */
export function refuseProd(settings: DeploymentSettings): void {
  if (settings.stage === 'prod') {
    throw new AppError(
      'permission-denied',
      'prod is protected. docs/operations.md, "Taking prod down", says which protections to lift by hand first.',
    );
  }
}

/** What no stack owns. None of it costs more than cents. */
function alwaysLeft({ stage }: DeploymentSettings): readonly string[] {
  return [
    `log groups /aws/lambda/us-east-1.onestep-${stage}-edge-… in other regions, where viewers were (made by CloudFront, kept until deleted)`,
    `log groups /aws/lambda/onestep-${stage}-data-CustomS3AutoDelete… and …-edge-… (made by Lambda for the functions that emptied the buckets, kept until deleted)`,
    'the assets of the CDK bootstrap (bucket and roles of CDKToolkit): "npx cdk gc" removes what no stack uses',
    'tags that were activated for cost allocation',
  ];
}
