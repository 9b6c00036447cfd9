import { defined } from '#shared/core/defined.ts';
import { type DeploymentSettings, NO_IMAGE } from '#shared/deployment/settings.ts';

/** What preflight has to know of an account; none of it changes anything. */
export interface PreflightDeps {
  /** The account's id, or undefined without credentials that work. */
  readonly accountId: () => Promise<string | undefined>;
  /** Whether `cdk bootstrap` has run in the region. */
  readonly isBootstrapped: (region: string) => Promise<boolean>;
  /** SageMaker's quotas of the region by name: `ml.g6.xlarge for endpoint usage`. */
  readonly sageMakerQuotas: (region: string) => Promise<ReadonlyMap<string, Quota>>;
  /** Lambda's quota of concurrent executions in the region. */
  readonly lambdaConcurrency: (region: string) => Promise<number>;
  readonly distributions: () => Promise<{ readonly used: number; readonly quota: number }>;
  readonly hasDocker: () => Promise<boolean>;
}

export interface Quota {
  readonly code: string;
  readonly value: number;
}

export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  /** What was found; and if it is not enough, what to do. */
  readonly says: string;
  /** The command that fixes it. */
  readonly command?: string;
}

/** Reserved by this deployment's functions: dispatch 2, sweep 1, kill switch 1. */
const RESERVED_CONCURRENCY = 4;
/** Lambda keeps this many for functions that reserve none. */
const UNRESERVED_MINIMUM = 100;

const ok = (check: string, says: string): Finding => ({ check, ok: true, says });
const lacking = (check: string, says: string, command?: string): Finding => ({
  check,
  ok: false,
  says,
  ...defined({ command }),
});

function increase(region: string, service: string, code: string, value: number): string {
  return `aws service-quotas request-service-quota-increase --region ${region} --service-code ${service} --quota-code ${code} --desired-value ${value}`;
}

/**
 * Checks whether a deployment can succeed, before it begins. Blue/green updates run the old and the
 * new instances side by side, so each instance type's quota has to hold twice the most.
 */
export async function preflight(
  deps: PreflightDeps,
  settings: DeploymentSettings,
): Promise<readonly Finding[]> {
  const account = await deps.accountId();
  if (account === undefined) {
    const says = 'There are no AWS credentials that work. Set AWS_PROFILE or sign in.';
    return [lacking('credentials', says, 'aws sso login')];
  }
  const regions = [...new Set([settings.region, 'us-east-1'])];
  return [
    ok('credentials', `account ${account}`),
    ...(await Promise.all(regions.map((region) => checkBootstrap(deps, account, region)))),
    ...(await checkInstances(deps, settings)),
    await checkConcurrency(deps, settings.region),
    await checkDistributions(deps),
    await checkDocker(deps, settings),
  ];
}

async function checkBootstrap(
  deps: PreflightDeps,
  account: string,
  region: string,
): Promise<Finding> {
  const check = `bootstrap ${region}`;
  if (await deps.isBootstrapped(region)) return ok(check, 'done');
  return lacking(
    check,
    `The CDK has never deployed to ${region} in this account: its bucket and roles are missing.`,
    `npx cdk bootstrap aws://${account}/${region}`,
  );
}

async function checkInstances(
  deps: PreflightDeps,
  { region, models }: DeploymentSettings,
): Promise<readonly Finding[]> {
  const needed = new Map<string, number>();
  for (const { instance, maxInstances } of models) {
    needed.set(instance, (needed.get(instance) ?? 0) + 2 * maxInstances);
  }
  const quotas = await deps.sageMakerQuotas(region);
  return [...needed].map(([instance, count]) => {
    const name = `${instance} for endpoint usage`;
    const quota = quotas.get(name);
    if (quota === undefined) {
      return lacking(
        name,
        `${region} has no quota "${name}": the instance type is not offered there. Choose another region or instance in cdk.json.`,
      );
    }
    if (quota.value >= count) return ok(name, `${quota.value}, needed ${count}`);
    return lacking(
      name,
      `The quota "${name}" (${quota.code}) in ${region} is ${quota.value}; needed are ${count}: twice the most instances, because an update runs old and new side by side.`,
      increase(region, 'sagemaker', quota.code, count),
    );
  });
}

async function checkConcurrency(deps: PreflightDeps, region: string): Promise<Finding> {
  const check = 'Lambda concurrent executions';
  const value = await deps.lambdaConcurrency(region);
  const needed = UNRESERVED_MINIMUM + RESERVED_CONCURRENCY;
  if (value >= needed) return ok(check, `${value}, needed ${needed}`);
  return lacking(
    check,
    `The quota "Concurrent executions" (L-B99A9384) of Lambda in ${region} is ${value}; needed are ${needed}: ${RESERVED_CONCURRENCY} are reserved, and Lambda keeps ${UNRESERVED_MINIMUM} free.`,
    increase(region, 'lambda', 'L-B99A9384', 1000),
  );
}

async function checkDistributions(deps: PreflightDeps): Promise<Finding> {
  const check = 'CloudFront distributions';
  const { used, quota } = await deps.distributions();
  if (used < quota) return ok(check, `${used} of ${quota} used`);
  return lacking(
    check,
    `The quota "Web distributions per AWS account" (L-24B04930) is used up: ${used} of ${quota}.`,
    increase('us-east-1', 'cloudfront', 'L-24B04930', quota + 10),
  );
}

async function checkDocker(deps: PreflightDeps, settings: DeploymentSettings): Promise<Finding> {
  const check = 'Docker';
  if (settings.imageDigest !== NO_IMAGE) return ok(check, 'not needed: the image has been pushed');
  if (await deps.hasDocker()) return ok(check, 'answers');
  return lacking(
    check,
    'Docker does not answer, and the GPU image has to be built once. Start it, or push the image elsewhere and set onestep:imageDigest.',
    'docker info',
  );
}
