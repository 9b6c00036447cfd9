import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { BUNDLE_NAMES } from '#infra/bundles.ts';
import { macSecretName } from '#shared/deployment/names.ts';
import {
  type AccountStandIn,
  type Outputs,
  startAccount,
} from '#test/stand-ins/cloud-formation.ts';
import { createCloudResources } from './cloud-resources.ts';
import type { DemoPackage } from './demo-package.ts';
import { runDeployment } from './deployed-cloud.ts';
import { readFunctions } from './deployed-functions.ts';
import { linkPackages } from './link-packages.ts';
import { ROOT } from './root.ts';

/** A copy of this tree, to be deployed to an account of stand-ins. */
export interface DeployingClone {
  readonly clone: string;
  readonly account: AccountStandIn;
  /** With the account's credentials, and where its parts are. */
  readonly env: NodeJS.ProcessEnv;
  /** Where the deployed service answers, once its stacks are there. */
  url(): string | undefined;
  stop(): Promise<void>;
}

/**
 * Its stacks are, in the stand-ins, the data plane and the functions under Lambda's own runtime.
 *
 * @param there other stacks of the account, with their outputs
 */
export async function createDeployingClone(
  demo: DemoPackage,
  there: Readonly<Record<string, Outputs>> = {},
): Promise<DeployingClone> {
  const folder = mkdtempSync(join(tmpdir(), 'onestep-deploying-'));
  const clone = join(folder, 'onestep');
  copyTree(clone);
  const resources = await createCloudResources(demo.manifest, macSecretName('dev'));
  let running: Awaited<ReturnType<typeof runDeployment>> | undefined;
  const create = async (stack: string, assembly: string): Promise<Outputs> => {
    if (stack.endsWith('-data')) {
      return {
        TableName: resources.tableName,
        ModelBucketName: resources.modelBucket,
        OutputBucketName: resources.outputBucket,
        RepositoryUri: '123456789012.dkr.ecr.us-east-1.amazonaws.com/onestep-dev-gpu',
      };
    }
    if (!stack.endsWith('-api')) return {};
    const folders = readdirSync(join(clone, '.onestep', 'bundles'));
    const bundles = new Map(
      BUNDLE_NAMES.map((name) => {
        const found = folders.find((one) => new RegExp(`^${name}-[0-9a-f]{32}$`).test(one)) ?? '';
        return [name, join(clone, '.onestep', 'bundles', found)];
      }),
    );
    running = await runDeployment(demo, resources, readFunctions(assembly, bundles));
    return { Url: running.url, FunctionUrl: 'https://f.lambda-url.example' };
  };
  const account = await startAccount(create, there);
  const { region, accessKeyId, secretAccessKey, dynamoDb, s3, moto } = inject('standIns');
  return {
    clone,
    account,
    env: {
      ...process.env,
      ONESTEP_SKIP_INSTALL: '1',
      ONESTEP_REAL_CDK: join(ROOT, 'node_modules/aws-cdk/bin/cdk'),
      ONESTEP_CLOUD_FORMATION: account.url,
      ONESTEP_ASSEMBLIES: folder,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_ENDPOINT_URL: moto,
      AWS_ENDPOINT_URL_S3: s3,
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDb,
      AWS_ENDPOINT_URL_CLOUDFORMATION: account.url,
      AWS_ENDPOINT_URL_CLOUDFRONT: account.url,
      AWS_ENDPOINT_URL_SERVICE_QUOTAS: account.url,
      AWS_ENDPOINT_URL_LAMBDA: account.url,
    },
    url: () => running?.url,
    async stop() {
      await running?.stop();
      await account.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** This tree's state, committed or not, with this tree's packages but for the CDK's command line. */
function copyTree(to: string): void {
  mkdirSync(to);
  const words = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', words, { cwd: ROOT });
  execFileSync('tar', ['-C', to, '-xf', '-'], {
    input: execFileSync('tar', ['-C', ROOT, '--null', '--files-from=-', '-cf', '-'], {
      input: files,
      maxBuffer: 2 ** 29,
    }),
  });
  linkPackages(to, { package: 'aws-cdk', program: 'cdk' });
  const packages = join(to, 'node_modules');
  symlinkSync(join(ROOT, 'test/stand-ins/cdk'), join(packages, 'aws-cdk'));
  symlinkSync(join(packages, 'aws-cdk/bin/cdk'), join(packages, '.bin/cdk'));
}
