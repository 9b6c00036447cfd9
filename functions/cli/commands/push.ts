import type { Command, CommandContext } from '#functions/cli/command.ts';
import { createPushClient, partOutputs } from '#functions/cli/deploy/aws.ts';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';
import { readGpuPackage } from '#functions/cli/deploy/gpu-package.ts';
import { deploymentSettings, STAGE_OPTION } from '#functions/cli/deploy/project.ts';
import { type PushProgress, pushPackage } from '#functions/cli/deploy/push-package.ts';
import { AppError } from '#shared/core/errors.ts';
import { OUTPUTS } from '#shared/deployment/names.ts';

/** `onestep push`: a model package to the deployment's bucket. */
export const push: Command = {
  summary: 'upload a model package to the deployment, going on after an interruption',
  usage: 'PKG [options]',
  options: {
    bucket: { type: 'string', value: 'NAME', help: "the bucket (the data stack's)" },
    ...STAGE_OPTION,
  },
  examples: ['onestep push disback', 'onestep push disback --stage prod'],
  run: (context) => withAws(() => runPush(context)),
};

async function runPush(context: CommandContext): Promise<void> {
  const [folder, extra] = context.positionals;
  if (folder === undefined || extra !== undefined) {
    throw new AppError('invalid-request', 'push needs one model package, a folder.');
  }
  const settings = deploymentSettings(context);
  // A folder that is no package is found out here, and not after the log-in.
  readGpuPackage(folder);
  const bucket = await targetBucket(context);
  const deps = {
    s3: createPushClient(settings.region, context.env),
    onProgress: progressLine(context),
  };
  const result = await pushPackage(deps, folder, bucket);
  if (context.stderr.isTTY) context.stderr.write('\n');
  context.stdout.write(
    context.values['json'] === true ? `${JSON.stringify(result)}\n` : `${result.digest}\n`,
  );
  if (!settings.models.some((model) => model.digest === result.digest)) {
    context.stderr.write(
      `No model of onestep:models has this digest. Put it into cdk.json and run "onestep deploy".\n`,
    );
  }
}

async function targetBucket(context: CommandContext): Promise<string> {
  const named = context.values['bucket'];
  if (typeof named === 'string') return named;
  const outputs = await partOutputs(deploymentSettings(context), 'data');
  return outputs[OUTPUTS.modelBucket] ?? '';
}

/** One line that overwrites itself on a terminal; nothing elsewhere. */
export function progressLine({ stderr }: CommandContext): (progress: PushProgress) => void {
  if (!stderr.isTTY) return () => undefined;
  return ({ file, doneBytes, totalBytes }) => {
    const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
    stderr.write(`\r\u001b[K${percent} %  ${file}`);
  };
}
