import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { defined } from '#shared/core/defined.ts';
import { type DeploymentSettings, NO_IMAGE } from '#shared/deployment/settings.ts';
import { BUILD_QUOTA, noBuilds } from './build-quota.ts';
import { NO_CREDENTIALS } from './explain-aws-error.ts';

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
  /** CodeBuild's quotas of the region by name. */
  readonly buildQuotas: (region: string) => Promise<ReadonlyMap<string, Quota>>;
  /** Whether Docker answers, and knows buildx. */
  readonly docker: () => Promise<'ready' | 'absent' | 'without-buildx'>;
  /** Whether the endpoints are there: from then on a deployment is an update. */
  readonly hasEndpoints: () => Promise<boolean>;
}

export interface Quota {
  readonly code: string;
  readonly value: number;
}

export interface Finding {
  readonly check: string;
  readonly ok: boolean;
  /** Whether it stands in the way of something later, though not of this deployment. */
  readonly warns?: boolean;
  /** What was found; and if it is not enough, what to do. */
  readonly says: string;
  /** The command that fixes it. */
  readonly command?: string;
  /** A setting that the deployment has to be made with here. */
  readonly setting?: readonly [key: string, value: boolean];
  /** The environment that the CDK has to be prepared for: `aws://<account>/<region>`. */
  readonly bootstrap?: string;
  /** What only models on a GPU need. */
  readonly forGpu?: 'quota' | 'image';
}

/** Where image and packages are built. */
export type Builder = 'account' | 'local';

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

/** Checks whether a deployment can succeed, before it begins. */
export async function preflight(
  deps: PreflightDeps,
  settings: DeploymentSettings,
  builder: Builder = 'account',
): Promise<readonly Finding[]> {
  const account = await deps.accountId();
  if (account === undefined) {
    return [lacking('credentials', NO_CREDENTIALS, 'aws sso login')];
  }
  const regions = [...new Set([settings.region, 'us-east-1'])];
  return [
    ok('credentials', `account ${account}`),
    ...(await Promise.all(regions.map((region) => checkBootstrap(deps, account, region)))),
    ...(await checkInstances(deps, settings)).map((finding) => ({
      ...finding,
      forGpu: 'quota' as const,
    })),
    await checkConcurrency(deps, settings),
    await checkDistributions(deps),
    ...(settings.models.some(hasInstances)
      ? [{ ...(await checkBuilder(deps, settings, builder)), forGpu: 'image' as const }]
      : []),
  ];
}

async function checkBootstrap(
  deps: PreflightDeps,
  account: string,
  region: string,
): Promise<Finding> {
  const check = `bootstrap ${region}`;
  if (await deps.isBootstrapped(region)) return ok(check, 'done');
  const bootstrap = `aws://${account}/${region}`;
  return {
    ...lacking(
      check,
      `The CDK has never deployed to ${region} in this account: its bucket and roles are missing.`,
      `npx cdk bootstrap ${bootstrap}`,
    ),
    bootstrap,
  };
}

/**
 * An update runs old and new instances side by side; a first deployment does not, so half of the quota is
 * enough for it. Of a model's types one is enough, too: the others are for when it can't be had.
 */
async function checkInstances(
  deps: PreflightDeps,
  settings: DeploymentSettings,
): Promise<readonly Finding[]> {
  const most = new Map<string, number>();
  const models = settings.models.filter(hasInstances);
  if (models.length === 0) return [];
  for (const { instance, maxInstances } of models) {
    for (const type of instance) most.set(type, (most.get(type) ?? 0) + maxInstances);
  }
  const quotas = await deps.sageMakerQuotas(settings.region);
  const isUpdate = await deps.hasEndpoints();
  const found = new Map(
    [...most].map(([type, count]) => {
      const quota = quotas.get(`${type} for endpoint usage`);
      return [type, checkInstance(settings.region, type, count, quota, isUpdate)];
    }),
  );
  for (const { instance } of models) {
    const findings = instance.flatMap((type) => found.get(type) ?? []);
    if (!findings.some(({ ok }) => ok)) continue;
    for (const type of instance) {
      const finding = found.get(type);
      if (finding?.ok === false) found.set(type, { ...finding, ok: true, warns: true });
    }
  }
  return [...found.values()];
}

function checkInstance(
  region: string,
  type: string,
  most: number,
  quota: Quota | undefined,
  isUpdate: boolean,
): Finding {
  const check = `${type} for endpoint usage`;
  if (quota === undefined) {
    return lacking(
      check,
      `${region} has no quota "${check}": the instance type is not offered there. Choose another region or instance in cdk.json.`,
    );
  }
  const needed = 2 * most;
  if (quota.value >= needed) return ok(check, `${quota.value}, needed ${needed}`);
  const isEnoughNow = !isUpdate && quota.value >= most;
  const why = isEnoughNow
    ? `enough for a first deployment; the first update will need ${needed}`
    : `${isUpdate ? needed : most} are needed`;
  return {
    check,
    ok: isEnoughNow,
    warns: isEnoughNow,
    says: `The quota "${check}" (${quota.code}) in ${region} is ${quota.value}; ${why}: an update runs old and new instances side by side, so it takes twice the most instances.`,
    command: increase(region, 'sagemaker', quota.code, needed),
  };
}

/** Lambda@Edge counts in each region where viewers are, by that region's own quota. */
async function checkConcurrency(
  deps: PreflightDeps,
  settings: DeploymentSettings,
): Promise<Finding> {
  const check = 'Lambda concurrent executions';
  const { region } = settings;
  const value = await deps.lambdaConcurrency(region);
  const needed = UNRESERVED_MINIMUM + RESERVED_CONCURRENCY;
  if (value >= needed) {
    const enough = `${value}, needed ${needed}`;
    const idle = `${enough}; nothing is reserved: onestep:reserveConcurrency is false in cdk.json, and can be true now`;
    return ok(check, settings.reserveConcurrency ? enough : idle);
  }
  const found = `The quota "Concurrent executions" (L-B99A9384) of Lambda in ${region} is ${value}`;
  const edge = `the edge function runs in the viewers' regions, each with a quota of its own`;
  return {
    check,
    ok: true,
    warns: true,
    says: settings.reserveConcurrency
      ? `${found}, too small to reserve ${RESERVED_CONCURRENCY} and leave ${UNRESERVED_MINIMUM}: nothing is reserved. Ask for more before there is traffic; ${edge}.`
      : `${found}; nothing is reserved (onestep:reserveConcurrency). Ask for more before there is traffic; ${edge}.`,
    command: increase(region, 'lambda', 'L-B99A9384', 1000),
    ...(settings.reserveConcurrency && { setting: ['reserveConcurrency', false] as const }),
  };
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

/** What builds image and packages: a project in the account, or this machine's Docker. */
async function checkBuilder(
  deps: PreflightDeps,
  settings: DeploymentSettings,
  builder: Builder,
): Promise<Finding> {
  const check = builder === 'local' ? 'Docker' : 'CodeBuild';
  const isBuilt = settings.imageDigest !== NO_IMAGE && settings.importing === undefined;
  if (isBuilt) return ok(check, 'not needed: the image has been pushed');
  if (builder === 'local') return checkDocker(deps);
  const { region } = settings;
  const quota = (await deps.buildQuotas(region)).get(BUILD_QUOTA);
  if (quota === undefined) {
    return ok(
      check,
      `the quota "${BUILD_QUOTA}" is not listed in ${region}; it is taken as enough`,
    );
  }
  if (quota.value >= 1) return ok(check, `${quota.value} at a time, needed 1`);
  return lacking(
    check,
    `This account may run no build. ${noBuilds(region, quota.code)}`,
    increase(region, 'codebuild', quota.code, 1),
  );
}

async function checkDocker(deps: PreflightDeps): Promise<Finding> {
  const check = 'Docker';
  const state = await deps.docker();
  if (state === 'ready') return ok(check, 'answers');
  return state === 'absent'
    ? lacking(
        check,
        'Docker does not answer, and the GPU image has to be built once. Start it, or let the account build it: "--build account".',
        'docker info',
      )
    : lacking(
        check,
        'Docker answers, but has no buildx, which builds the GPU image. Install the plugin (docker-buildx-plugin).',
        'docker buildx version',
      );
}
