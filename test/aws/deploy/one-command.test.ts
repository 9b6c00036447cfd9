import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { createDeployingClone, type DeployingClone } from '#test/helpers/deploying-clone.ts';

/** Where a deployment is killed: at the first line that begins so, each in a run of its own. */
const POINTS = [
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
/** At how many of them; `ONESTEP_DEPLOY_KILLS` asks for fewer, spread from the last. */
const KILLS = Number(process.env['ONESTEP_DEPLOY_KILLS'] ?? POINTS.length);
const spread = (_: string, i: number): boolean =>
  Math.floor(((i + 1) * KILLS) / POINTS.length) > Math.floor((i * KILLS) / POINTS.length);

let demo: DemoPackage;
let deploying: DeployingClone;

beforeAll(async () => {
  demo = await importDemo('fp16');
  deploying = await createDeployingClone(demo);
}, 600_000);
afterAll(async () => {
  await deploying?.stop();
  demo?.remove();
}, 600_000);

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The one command; killed with all that it has started when it says a line that begins so. */
function deploy(killAt?: string): Promise<Run> {
  const words = ['deploy', '--email', 'me@example.com', '--yes', '--json'];
  const child = spawn(process.execPath, ['functions/cli/launch.mjs', ...words], {
    cwd: deploying.clone,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: deploying.env,
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

it('in a new account without a GPU, a fresh clone is one command away from a picture, killed on the way or not', async () => {
  for (const line of POINTS.filter(spread)) {
    const { code, stderr } = await deploy(line);
    expect(code, `${line}\n${stderr}`).toBe(null);
    expect(stderr).toContain(line);
  }
  const { code, stdout, stderr } = await deploy();
  expect(code, stderr).toBe(0);
  const { url, adminKey, picture, atRestUsd } = JSON.parse(stdout);
  expect(url).toBe(deploying.url());
  expect(picture).toBe(join(deploying.clone, 'onestep-dev.png'));
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
  expect(deploying.account.stacks()).toHaveLength(7);
  expect(existsSync(join(deploying.clone, 'cdk.context.json'))).toBe(true);

  // Once more: all is there, and the key is not shown again.
  const again = await deploy();
  expect(again.code, again.stderr).toBe(0);
  expect(JSON.parse(again.stdout)).not.toHaveProperty('adminKey');
}, 1_800_000);
