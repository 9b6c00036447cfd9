import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { BUNDLE_NAMES } from '#infra/bundles.ts';
import { macSecretName } from '#shared/deployment/names.ts';
import { type CloudResources, createCloudResources } from '#test/helpers/cloud-resources.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { runDeployment } from '#test/helpers/deployed-cloud.ts';
import { readFunctions } from '#test/helpers/deployed-functions.ts';
import { ROOT } from '#test/helpers/root.ts';
import {
  type AccountStandIn,
  type Outputs,
  startAccount,
} from '#test/stand-ins/cloud-formation.ts';

/** Where a deployment is killed: at the first line that begins so, each in a run of its own. */
const KILLS = [
  '── quotas and credentials …',
  '── bootstrap',
  '── code of the function that draws …',
  '── data stack …',
  '── data stack:',
  '── model packages …',
  '── model packages:',
  '── stacks edge',
  "── operator's account …",
  '── a picture',
];

let folder: string;
let clone: string;
let demo: DemoPackage;
let resources: CloudResources;
let account: AccountStandIn;
let running: Awaited<ReturnType<typeof runDeployment>> | undefined;

/** What the stacks are, in the stand-ins: the data plane, and the functions under Lambda's own runtime. */
async function create(stack: string, assembly: string): Promise<Outputs> {
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
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onestep-one-command-'));
  clone = join(folder, 'onestep');
  mkdirSync(clone);
  const tracked = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    {
      cwd: ROOT,
    },
  );
  execFileSync('tar', ['-C', clone, '-xf', '-'], {
    input: execFileSync('tar', ['-C', ROOT, '--null', '--files-from=-', '-cf', '-'], {
      input: tracked,
      maxBuffer: 2 ** 29,
    }),
  });
  linkPackages(join(clone, 'node_modules'));
  demo = await importDemo('fp16');
  resources = await createCloudResources(demo.manifest, macSecretName('dev'));
  account = await startAccount(create);
}, 600_000);
afterAll(async () => {
  await running?.stop();
  await account?.stop();
  demo?.remove();
  rmSync(folder, { recursive: true, force: true });
}, 600_000);

/** This tree's packages, but for the CDK's command line. */
function linkPackages(to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== 'aws-cdk') symlinkSync(join(ROOT, 'node_modules', name), join(to, name));
  }
  symlinkSync(join(ROOT, 'test/stand-ins/cdk'), join(to, 'aws-cdk'));
}

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The one command; killed with all that it has started when it says a line that begins so. */
function deploy(killAt?: string): Promise<Run> {
  const { region, accessKeyId, secretAccessKey, dynamoDb, s3, moto } = inject('standIns');
  const words = ['deploy', '--email', 'me@example.com', '--yes', '--json'];
  const child = spawn(process.execPath, ['functions/cli/launch.mjs', ...words], {
    cwd: clone,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
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
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    stderr += `${line}\n`;
    if (killAt !== undefined && line.startsWith(killAt)) process.kill(-(child.pid ?? 0), 'SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

it('in a new account without a GPU, a fresh clone is one command away from a picture, ten kills or not', async () => {
  for (const line of KILLS) {
    const { code, stderr } = await deploy(line);
    expect(code, `${line}\n${stderr}`).toBe(null);
    expect(stderr).toContain(line);
  }
  const { code, stdout, stderr } = await deploy();
  expect(code, stderr).toBe(0);
  const { url, adminKey, picture, atRestUsd } = JSON.parse(stdout);
  expect(url).toBe(running?.url);
  expect(picture).toBe(join(clone, 'onestep-dev.png'));
  expect((await sharp(readFileSync(picture)).metadata()).format).toBe('png');
  expect(atRestUsd).toBeGreaterThan(0);
  const call = async (path: string) => {
    const answer = await fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${adminKey}` },
    });
    expect(answer.status, path).toBe(200);
    return answer.json();
  };
  const { balance } = (await call('/v1/account')) as { balance: number };
  const { results } = (await call('/v1/predictions')) as { results: { status: string }[] };
  // The last run's picture, and perhaps the one that was on its way when the command was killed.
  expect(results.length).toBeGreaterThanOrEqual(1);
  expect(balance).toBeLessThan(5_000_000);
  expect(balance).toBeGreaterThanOrEqual(5_000_000 - 2 * 4_000);
  // The CDK's own, and ours.
  expect(account.stacks()).toHaveLength(7);
  expect(existsSync(join(clone, 'cdk.context.json'))).toBe(true);

  // Once more: all is there, and the key is not shown again.
  const again = await deploy();
  expect(again.code, again.stderr).toBe(0);
  expect(JSON.parse(again.stdout)).not.toHaveProperty('adminKey');
}, 1_800_000);
