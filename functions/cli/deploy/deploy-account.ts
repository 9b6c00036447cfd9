import { join } from 'node:path';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { CommandContext } from '#functions/cli/command.ts';
import { buildProjectName, modelPrefix, stackName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { ManifestSchema } from '#shared/engine/package/manifest.ts';
import { type Built, buildInAccount } from './account-build.ts';
import { createPushClient, hasImage, stackOutputs } from './aws.ts';
import { createCdk } from './cdk.ts';
import { createBuildAccount } from './codebuild.ts';
import type { DeployDeps, Places } from './deploy.ts';
import { buildLocally } from './local-build.ts';
import type { Notes } from './notes.ts';
import { preflight } from './preflight.ts';
import { createPreflightDeps } from './preflight-account.ts';
import { PROJECT_FOLDER } from './project.ts';
import { progressLine } from './progress-line.ts';
import { pushOwnImage } from './push-own-image.ts';
import { isPushed, pushPackage } from './push-package.ts';
import { runCommand } from './run-command.ts';
import { stageDrawingFunction } from './stage-drawing.ts';
import { createSteps } from './steps.ts';

interface DeployContext extends Pick<CommandContext, 'env' | 'stderr'> {
  readonly options: {
    readonly build: 'account' | 'local';
    readonly 'build-image': boolean;
    readonly 'skip-preflight': boolean;
  };
}

/** What a deployment does, to the account that the environment's credentials belong to. */
export function createDeployDeps(
  context: DeployContext,
  settings: DeploymentSettings,
  notes: Notes,
): DeployDeps {
  const { region, stage } = settings;
  const { options, env, stderr } = context;
  const s3 = createPushClient(region, env);
  const cloudFormation = new CloudFormationClient({ region });
  const say = (line: string) => void stderr.write(`${line}\n`);
  const push = async (folder: string, bucket: string) => {
    await pushPackage({ s3, onProgress: progressLine(context) }, folder, bucket);
    if (stderr.isTTY) stderr.write('\n');
  };
  const isThere = async ({ repositoryUri, bucket }: Places, { imageDigest, modelDigest }: Built) =>
    (imageDigest === undefined || (await hasImage(region, repositoryUri, imageDigest))) &&
    (modelDigest === undefined || (await isPushed(s3, bucket, modelDigest)));
  return {
    preflight: async (wanted) =>
      options['skip-preflight']
        ? []
        : preflight(createPreflightDeps(wanted, runCommand, PROJECT_FOLDER), wanted, options.build),
    bootstrap: (environment) => createCdk(runCommand, stage).bootstrap(environment),
    deployStacks: (parts) => {
      notes.operatorAccount(settings);
      const name =
        parts.length === 1 && parts[0] ? stackName(stage, parts[0]) : `onestep-${stage}-`;
      say(`   ${consoleOf(region, name)}`);
      return createCdk(runCommand, stage).deploy(parts);
    },
    stackOutputs: (name) => stackOutputs(cloudFormation, name),
    isPushed: (bucket, digest) => isPushed(s3, bucket, digest),
    pushPackage: push,
    stageDrawing: async () => {
      await stageDrawingFunction(runCommand, PROJECT_FOLDER);
    },
    hasImage: (repositoryUri, digest) => hasImage(region, repositoryUri, digest),
    build: (places, wanted) =>
      options.build === 'local'
        ? buildLocally(
            {
              run: runCommand,
              project: PROJECT_FOLDER,
              launcher: join(PROJECT_FOLDER, 'functions/cli/launch.mjs'),
              pushImage: (uri) => pushOwnImage(region, uri, env),
              pushPackage: push,
            },
            places,
            wanted,
          )
        : buildInAccount(
            {
              ...createBuildAccount(region, buildProjectName(stage)),
              isThere: (built) => isThere(places, built),
              again: options['build-image'],
              say,
              now: Date.now,
            },
            wanted,
          ),
    readPushed: async (bucket, digest) => {
      const Key = `${modelPrefix(digest)}manifest.json`;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      return ManifestSchema.parse(JSON.parse((await Body?.transformToString()) ?? ''));
    },
    buildImage: options['build-image'],
    note: notes.add,
    say,
    step: createSteps(say, Date.now),
  };
}

/** Where a browser shows what CloudFormation is doing. */
function consoleOf(region: string, name: string): string {
  return `https://${region}.console.aws.amazon.com/cloudformation/home?region=${region}#/stacks?filteringText=${name}`;
}
