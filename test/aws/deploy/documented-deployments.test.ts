import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OUTPUTS } from '#shared/deployment/names.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { createDeployingClone, type DeployingClone } from '#test/helpers/deploying-clone.ts';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';

/**
 * The documents' commands as they are printed, in a new account without a GPU, with the demo model.
 * What the kill switch does once it is invoked: test/aws/runtime/functions.test.ts.
 */
const run = promisify(execFile);
const KILL_SWITCH = 'onestep-prod-operations-KillSwitch';
const blocks = blocksRunBy(import.meta.filename);
const codeOf = (words: string) => blocks.find(({ code }) => code.includes(words))?.code ?? '';

let demo: DemoPackage;
let deploying: DeployingClone;

beforeAll(async () => {
  demo = await importDemo('fp16');
  deploying = await createDeployingClone(demo, {
    'onestep-prod-operations': { [OUTPUTS.killSwitch]: KILL_SWITCH },
  });
}, 600_000);
afterAll(async () => {
  await deploying?.stop();
  demo?.remove();
}, 600_000);

const inShell = (code: string) =>
  run('bash', ['-euo', 'pipefail', '-c', code], { cwd: deploying.clone, env: deploying.env });

/** Runs commands at a terminal and types an answer to each question; resolves with what it showed. */
function atTerminal(code: string, answers: Readonly<Record<string, string>>): Promise<string> {
  const terminal = spawn('script', ['--quiet', '--return', '--command', code, '/dev/null'], {
    cwd: deploying.clone,
    env: deploying.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const open = new Map(Object.entries(answers));
  let shown = '';
  terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
    for (const [question, answer] of open) {
      if (!shown.includes(question)) continue;
      open.delete(question);
      terminal.stdin.write(`${answer}\n`);
    }
  });
  return new Promise((resolve, reject) => {
    terminal.once('error', reject);
    terminal.once('close', (code) => {
      expect(open.size, shown).toBe(0);
      expect(code, shown).toBe(0);
      resolve(shown);
    });
  });
}

it('a deployment asks four things at a terminal, and ends with a picture', async () => {
  const shown = await atTerminal(codeOf('onestep deploy\n'), {
    'Region of AWS [us-east-1]: ': '',
    'E-mail address for alarms': 'me@example.com',
    'Model: OWNER/NAME': '',
    'budget in dollars': '50',
  });
  expect(shown).toContain(`url: ${deploying.url()}`);
  expect(shown).toMatch(/adminKey: os_live_/);
  const picture = readFileSync(join(deploying.clone, 'onestep-dev.png'));
  expect((await sharp(picture).metadata()).format).toBe('png');
  const notes = readFileSync(join(deploying.clone, 'cdk.context.json'), 'utf8');
  expect(JSON.parse(notes)).toMatchObject({
    'onestep:dev:alarmEmail': 'me@example.com',
    'onestep:dev:monthlyBudgetUsd': 50,
  });
}, 900_000);

it('another list of instance types goes in two steps', async () => {
  const before = deploying.account.orders.length;
  await inShell(codeOf('onestep:scaling=false'));
  const [first, ...rest] = deploying.account.orders.slice(before);
  expect(first).toMatchObject({
    stacks: ['OnestepGpu'],
    words: expect.arrayContaining(['--exclusively', 'onestep:scaling=false']),
  });
  expect(rest.flatMap(({ stacks = [] }) => stacks)).toContain('OnestepGpu');
  expect(rest.flatMap(({ words = [] }) => words)).not.toContain('onestep:scaling=false');
}, 900_000);

it('the kill switch is worked by hand', async () => {
  const { stdout } = await inShell(codeOf('onestep pause'));
  expect(stdout).toBe('paused\nresumed\n');
  expect(deploying.account.invocations).toEqual([
    { name: KILL_SWITCH, event: { action: 'pause' } },
    { name: KILL_SWITCH, event: { action: 'resume' } },
  ]);
}, 120_000);
