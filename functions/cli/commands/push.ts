import { z } from 'zod';
import { type CommandContext, defineCommand, option } from '#functions/cli/command.ts';
import { createPushClient, partOutputs } from '#functions/cli/deploy/aws.ts';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';
import { readGpuPackage } from '#functions/cli/deploy/gpu-package.ts';
import { deploymentSettings, STAGE_OPTION } from '#functions/cli/deploy/project.ts';
import { pushOwnImage } from '#functions/cli/deploy/push-own-image.ts';
import { progressLine } from '#functions/cli/deploy/progress-line.ts';
import { pushPackage } from '#functions/cli/deploy/push-package.ts';
import { AppError } from '#shared/core/errors.ts';
import { OUTPUTS } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { readManifest } from '#shared/engine/package/manifest.ts';

const OPTIONS = {
  bucket: option('NAME', "the bucket (the data stack's)"),
  region: option('REGION', "where it is (cdk.json's)"),
  image: option('URI', "instead of a package: build the GPU function's image and push it there"),
  ...STAGE_OPTION,
};
type Context = CommandContext<typeof OPTIONS>;

/** `onestep push`: a model package to the deployment's bucket. */
export const push = defineCommand({
  summary: 'upload a model package to the deployment; after an interruption, continue it',
  usage: 'PKG | --image URI [options]',
  options: OPTIONS,
  positionals: z.array(z.string()),
  examples: [
    'onestep push disback',
    'onestep push disback --stage prod',
    'onestep push --image 123456789012.dkr.ecr.us-east-1.amazonaws.com/onestep-dev-gpu',
  ],
  run: (context) =>
    withAws(() => (context.options.image === undefined ? runPush(context) : runImage(context))),
});

async function runImage(context: Context): Promise<void> {
  const { image = '', region = deploymentSettings(context).region } = context.options;
  if (context.positionals.length > 0) {
    throw new AppError('invalid-request', 'Name a package or --image, not both.');
  }
  const digest = await pushOwnImage(region, image, context.env);
  context.print({ digest, repository: image }, `${digest}\n`);
}

async function runPush(context: Context): Promise<void> {
  const [folder, ...more] = context.positionals;
  if (folder === undefined || more.length > 0) {
    throw new AppError('invalid-request', 'push takes one model package: onestep push PKG.');
  }
  const settings = deploymentSettings(context);
  // A folder that holds no package is refused before the log-in, not after it.
  const { digest } = readManifest(folder);
  const model = settings.models.find((candidate) => candidate.digest === digest);
  if (model?.compute !== 'lambda') readGpuPackage(folder);
  const bucket = context.options.bucket ?? (await modelBucket(settings));
  const deps = {
    s3: createPushClient(context.options.region ?? settings.region, context.env),
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
