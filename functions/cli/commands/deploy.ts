import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { createHttpClient } from '#functions/cli/client/http-client.ts';
import { type CommandContext, defineCommand, flag, option } from '#functions/cli/command.ts';
import { answersOf, settleAnswers } from '#functions/cli/deploy/answers.ts';
import { assertOnHub } from '#functions/cli/deploy/assert-on-hub.ts';
import { callerAccount, openOperator } from '#functions/cli/deploy/aws.ts';
import { deploy as bringUp } from '#functions/cli/deploy/deploy.ts';
import { createDeployDeps } from '#functions/cli/deploy/deploy-account.ts';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';
import { type Finished, finish } from '#functions/cli/deploy/finish.ts';
import { firstPicture } from '#functions/cli/deploy/first-picture.ts';
import { createNotes } from '#functions/cli/deploy/notes.ts';
import { deploymentSettings, PROJECT_FOLDER, STAGE_OPTION } from '#functions/cli/deploy/project.ts';
import { askAt } from '#functions/cli/deploy/terminal.ts';
import { hubAccess } from '#functions/cli/import/hub-access.ts';
import { choice, whole } from '#functions/cli/option-types.ts';
import { ensureDemoModel } from '#functions/local/demo-model.ts';
import { hasInstances } from '#shared/adapters/aws/environment.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { withFolderLock } from '#shared/core/folder-lock.ts';
import { atRest } from '#shared/deployment/cost.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { parseHubReference } from '#shared/engine/hub/hub-reference.ts';
import { readManifest } from '#shared/engine/package/manifest.ts';

/** How long the first picture may take: a cold start of eleven minutes, and as long again. */
const PICTURE_MS = 20 * 60_000;

/** What shells say of a program that Ctrl-C has ended. */
const INTERRUPTED = 130;

const OPTIONS = {
  region: option('REGION', "where it runs; asked for the first time (cdk.json's)"),
  email: option('ADDRESS', 'who is mailed when an alarm goes off; asked for the first time'),
  model: option(
    'OWNER/NAME',
    'a model of the hub, imported in the account, or demo; asked for the first time',
  ),
  budget: option(
    'USD',
    "the month's budget; asked for the first time (cdk.json's)",
    whole(1, 1_000_000),
  ),
  build: option(
    'WHERE',
    "account (default): CodeBuild builds and imports; local: this machine's Docker",
    choice(['account', 'local']).default('account'),
  ),
  'build-image': flag('build image and model again even if they are there'),
  'skip-preflight': flag('do not check quotas first'),
  'no-picture': flag('do not make a picture at the end'),
  yes: flag('ask nothing: what is not given is as cdk.json says', 'y'),
  ...STAGE_OPTION,
};
type Context = CommandContext<typeof OPTIONS>;

/** `onestep deploy`: each part of a deployment, in the order of their dependencies. */
export const deploy = defineCommand({
  summary: 'bring a deployment on AWS up, or up to date; after a failure, continue it',
  usage: '[PKG …] [options]',
  options: OPTIONS,
  positionals: z.array(z.string()),
  examples: [
    'onestep deploy',
    'onestep deploy --model syzhang0805/disback',
    'onestep deploy disback --stage prod',
    'onestep deploy --region eu-central-1 --email me@example.com --budget 50 --yes',
  ],
  run: (context) => withAws(() => runAlone(context)),
});

/** One at a time in this folder: two would note different things, and wait for each other's stacks. */
const runAlone = (context: Context): Promise<void> =>
  withFolderLock(
    {
      folder: join(PROJECT_FOLDER, '.onestep'),
      name: '.deploy.lock',
      processId: process.pid,
      busy: (other) =>
        `Another "onestep deploy" runs here (process ${other}). Wait for it, or end it and run this again: it continues.`,
    },
    async () => {
      const stop = () => {
        context.stderr.write(
          '\nStopped here. What was begun in the account goes on there: "onestep deploy" continues it.\n',
        );
        process.exit(INTERRUPTED);
      };
      process.once('SIGINT', stop);
      await runDeploy(context).finally(() => process.off('SIGINT', stop));
    },
  );

async function runDeploy(context: Context): Promise<void> {
  assertFolders(context.positionals);
  const read = () => deploymentSettings(context);
  const { stage, region } = read();
  const say = (line: string) => void context.stderr.write(`${line}\n`);
  say(`── to the account ${await callerAccount(region)}, stage ${stage}`);
  const notes = createNotes(PROJECT_FOLDER, stage);
  const settings = await settleAnswers(
    {
      ...defined({ ask: askAt(context) }),
      say,
      settings: read,
      isNoted: notes.has,
      note: notes.add,
      assertOnHub: (model) => assertOnHub({ access: buildAccess(context), say }, model),
    },
    answersOf(context.options),
  );
  const folders =
    context.positionals.length > 0 ? context.positionals : await demoFolders(settings);
  const deps = createDeployDeps(context, settings, notes);
  const result = await bringUp(deps, settings, folders);

  const deployed = read();
  const finished = await finish({
    operator: () => openOperator(deployed, notes.operatorAccount(deployed)),
    wasShown: (account) => notes.get('keyShown') === account,
    step: deps.step,
    ...(!context.options['no-picture'] && {
      picture: (key: string) => makePicture(context, deployed, result.url, key),
    }),
  });
  report(context, deployed, result, finished);
  if (finished.adminKey !== undefined) notes.add({ keyShown: finished.account });
  if (finished.failure !== undefined) throw finished.failure;
}

/** @throws AppError `invalid-request` for a name of the hub that was given as if it were a folder */
function assertFolders(folders: readonly string[]): void {
  const model = folders.find((folder) => !existsSync(folder) && parseHubReference(folder));
  if (model === undefined) return;
  throw new AppError(
    'invalid-request',
    `There is no folder ${model} here. A model of the hub is named by an option: "onestep deploy --model ${model}".`,
  );
}

/** How whoever builds reaches the hub: the account has no token. */
function buildAccess({ env, options }: Context) {
  const access = hubAccess(env, new AbortController().signal);
  return options.build === 'local' ? access : { ...access, accessToken: undefined };
}

async function makePicture(
  { stderr }: Context,
  { stage, models }: DeploymentSettings,
  url: string,
  key: string,
): Promise<string> {
  const deps = {
    client: createHttpClient(url, key),
    model: models.at(-1)?.name ?? '',
    now: Date.now,
    say: (line: string) => void stderr.write(`${line}\n`),
  };
  const path = resolve(`onestep-${stage}.png`);
  writeFileSync(path, await firstPicture(deps, PICTURE_MS));
  return path;
}

function report(
  context: Context,
  settings: DeploymentSettings,
  result: { readonly url: string; readonly functionUrl: string },
  { account, adminKey, picture }: Finished,
): void {
  const atRestUsd = Number(
    atRest({ ...settings, models: settings.models.filter(hasInstances).length }).toFixed(2),
  );
  const facts = { ...result, account, ...defined({ adminKey, picture }), atRestUsd };
  const lines = Object.entries({ ...facts, atRestUsd: `$${atRestUsd.toFixed(2)} a month` }).map(
    ([name, value]) => `${name}: ${value}\n`,
  );
  context.print(facts, lines.join(''));
  if (adminKey === undefined) return;
  context.stderr.write(
    'The admin key is shown only this once. Keep it, and hand out keys of your own: "onestep keys create".\n',
  );
}

/** Without a folder, the demo model is at hand for settings that name it as it is imported now. */
async function demoFolders({ models, importing }: DeploymentSettings): Promise<readonly string[]> {
  const isAsked = models.some(({ name }) => name === 'onestep/demo');
  if (!isAsked) return [];
  // A model of the hub takes the place of cdk.json's example, unless that was deployed: then it is pushed.
  if (importing !== undefined) return [];
  const folder = await ensureDemoModel(join(PROJECT_FOLDER, '.onestep'), { dtype: 'fp16' });
  const { digest } = readManifest(folder);
  return models.some((model) => model.digest === digest) ? [folder] : [];
}
