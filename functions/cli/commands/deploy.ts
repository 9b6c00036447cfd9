import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { z } from 'zod';
import { type CommandContext, defineCommand, flag } from '#functions/cli/command.ts';
import {
  createOperator,
  createPushClient,
  registryLogin,
  stackOutputs,
} from '#functions/cli/deploy/aws.ts';
import { createCdk } from '#functions/cli/deploy/cdk.ts';
import { noteInContext } from '#functions/cli/deploy/context-file.ts';
import { deploy as bringUp, type DeployDeps } from '#functions/cli/deploy/deploy.ts';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';
import { preflight } from '#functions/cli/deploy/preflight.ts';
import { createPreflightDeps } from '#functions/cli/deploy/preflight-account.ts';
import { deploymentSettings, PROJECT_FOLDER, STAGE_OPTION } from '#functions/cli/deploy/project.ts';
import { pushImage } from '#functions/cli/deploy/push-image.ts';
import { isPushed, pushPackage } from '#functions/cli/deploy/push-package.ts';
import { runCommand } from '#functions/cli/deploy/run-command.ts';
import { stageDrawingFunction } from '#functions/cli/deploy/stage-drawing.ts';
import { ensureDemoModel } from '#functions/local/demo-model.ts';
import { randomBytes } from '#functions/local/random-bytes.ts';
import { systemClock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import { type AccountId, createUlid } from '#shared/core/ids.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { readManifest } from '#shared/engine/package/manifest.ts';
import { progressLine } from './push.ts';

const OPTIONS = {
  'build-image': flag('build and push the image even if there is one'),
  'skip-preflight': flag('do not check quotas first'),
  ...STAGE_OPTION,
};
type Context = CommandContext<typeof OPTIONS>;

/** `onestep deploy`: each part of a deployment, in the order of their dependencies. */
export const deploy = defineCommand({
  summary: 'bring a deployment on AWS up, or up to date; after a failure, continue it',
  usage: '[PKG …] [options]',
  options: OPTIONS,
  positionals: z.array(z.string()),
  examples: ['onestep deploy', 'onestep deploy disback', 'onestep deploy --stage prod'],
  run: (context) => withAws(() => runDeploy(context)),
});

async function runDeploy(context: Context): Promise<void> {
  const settings = deploymentSettings(context);
  const folders =
    context.positionals.length > 0 ? context.positionals : await demoFolders(settings);
  const result = await bringUp(deployDeps(context, settings), settings, folders);
  const account = settleOperator(deploymentSettings(context));
  const adminKey = await createOperator(settings, account);
  const report = { ...result, account, ...defined({ adminKey }) };
  const lines = Object.entries(report).map(([name, value]) => `${name}: ${value}\n`);
  context.print(report, lines.join(''));
  if (adminKey !== undefined) {
    context.stderr.write('The admin key is shown only this once. Next: onestep smoke\n');
  }
}

/** Without a folder, the demo model is at hand for settings that name it as it is imported now. */
async function demoFolders({ models }: DeploymentSettings): Promise<readonly string[]> {
  if (!models.some(({ name }) => name === 'onestep/demo')) return [];
  const folder = await ensureDemoModel(join(PROJECT_FOLDER, '.onestep'), { dtype: 'fp16' });
  const { digest } = readManifest(folder);
  return models.some((model) => model.digest === digest) ? [folder] : [];
}

function deployDeps(context: Context, settings: DeploymentSettings): DeployDeps {
  const { region } = settings;
  const s3 = createPushClient(region, context.env);
  const cloudFormation = new CloudFormationClient({ region });
  return {
    preflight: async () =>
      context.options['skip-preflight']
        ? []
        : preflight(createPreflightDeps(settings, runCommand, PROJECT_FOLDER), settings),
    deployStacks: (parts) => {
      settleOperator(deploymentSettings(context));
      return createCdk(runCommand, settings.stage).deploy(parts);
    },
    stackOutputs: (name) => stackOutputs(cloudFormation, name),
    isPushed: (bucket, digest) => isPushed(s3, bucket, digest),
    pushPackage: async (folder, bucket) => {
      await pushPackage({ s3, onProgress: progressLine(context) }, folder, bucket);
    },
    bootstrap: (environment) => createCdk(runCommand, settings.stage).bootstrap(environment),
    stageDrawing: async () => {
      await stageDrawingFunction(runCommand, PROJECT_FOLDER);
    },
    pushImage: async (repositoryUri) => {
      const deps = { run: runCommand, registryLogin: () => registryLogin(region) };
      const tag = createUlid(systemClock, randomBytes);
      const digest = await pushImage(deps, PROJECT_FOLDER, repositoryUri, tag);
      noteInContext(PROJECT_FOLDER, `onestep:${settings.stage}:imageDigest`, digest);
      return digest;
    },
    askEmail: () => askEmail(context),
    noteSetting: (key, value) =>
      noteInContext(PROJECT_FOLDER, `onestep:${settings.stage}:${key}`, value),
    buildImage: context.options['build-image'],
    say: (line) => context.stderr.write(`── ${line}\n`),
  };
}

/** Asks at a terminal; undefined without one. */
async function askEmail({ options }: Context): Promise<string | undefined> {
  if (options.json || !process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const email = await terminal.question(
      'E-mail address for alarms and the kill switch (empty: none): ',
    );
    return email.trim() === '' ? undefined : email.trim();
  } finally {
    terminal.close();
  }
}

/** The operator's account: its id is chosen before the API is deployed, which has to know it. */
function settleOperator(settings: DeploymentSettings): AccountId {
  if (settings.operatorAccount !== undefined) return settings.operatorAccount as AccountId;
  const id = `acc_${createUlid(systemClock, randomBytes)}` as AccountId;
  noteInContext(PROJECT_FOLDER, `onestep:${settings.stage}:operatorAccount`, id);
  return id;
}
