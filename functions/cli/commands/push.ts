import { type CommandContext, defineCommand, option } from '#functions/cli/command.ts';
import { createPushClient, partOutputs } from '#functions/cli/deploy/aws.ts';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';
import { readGpuPackage } from '#functions/cli/deploy/gpu-package.ts';
import { deploymentSettings, STAGE_OPTION } from '#functions/cli/deploy/project.ts';
import { type PushProgress, pushPackage } from '#functions/cli/deploy/push-package.ts';
import { oneWord } from '#functions/cli/option-types.ts';
import { OUTPUTS } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { readManifest } from '#shared/engine/package/manifest.ts';

const OPTIONS = {
  bucket: option('NAME', "the bucket (the data stack's)"),
  ...STAGE_OPTION,
};
type Context = CommandContext<typeof OPTIONS, readonly [string]>;

/** `onestep push`: a model package to the deployment's bucket. */
export const push = defineCommand({
  summary: 'upload a model package to the deployment; after an interruption, continue it',
  usage: 'PKG [options]',
  options: OPTIONS,
  positionals: oneWord('push takes one model package: onestep push PKG'),
  examples: ['onestep push disback', 'onestep push disback --stage prod'],
  run: (context) => withAws(() => runPush(context)),
});

async function runPush(context: Context): Promise<void> {
  const [folder] = context.positionals;
  const settings = deploymentSettings(context);
  // A folder that holds no package is refused before the log-in, not after it.
  const { digest } = readManifest(folder);
  const model = settings.models.find((candidate) => candidate.digest === digest);
  if (model?.compute !== 'lambda') readGpuPackage(folder);
  const bucket = context.options.bucket ?? (await modelBucket(settings));
  const deps = {
    s3: createPushClient(settings.region, context.env),
    onProgress: progressLine(context),
  };
  const result = await pushPackage(deps, folder, bucket);
  if (context.stderr.isTTY) context.stderr.write('\n');
  context.print(result, `${result.digest}\n`);
  if (model === undefined) {
    context.stderr.write(
      `No model of onestep:models has this digest. Put it into cdk.json and run "onestep deploy".\n`,
    );
  }
}

async function modelBucket(settings: DeploymentSettings): Promise<string> {
  const outputs = await partOutputs(settings, 'data');
  return outputs[OUTPUTS.modelBucket] ?? '';
}

/** One line that overwrites itself on a terminal; nothing elsewhere. */
export function progressLine({
  stderr,
}: Pick<CommandContext, 'stderr'>): (progress: PushProgress) => void {
  if (!stderr.isTTY) return () => undefined;
  return ({ file, doneBytes, totalBytes }) => {
    const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes);
    stderr.write(`\r\u001b[K${percent} %  ${file}`);
  };
}
