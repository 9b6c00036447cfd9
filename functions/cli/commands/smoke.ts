import { connectService, SERVICE_OPTIONS } from '#functions/cli/client/service.ts';
import { type CommandContext, defineCommand, option } from '#functions/cli/command.ts';
import { partOutputs } from '#functions/cli/deploy/aws.ts';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';
import { deploymentSettings, STAGE_OPTION } from '#functions/cli/deploy/project.ts';
import { smoke as tryOut } from '#functions/cli/deploy/smoke.ts';
import { address, number } from '#functions/cli/option-types.ts';
import { defined } from '#shared/core/defined.ts';
import { AppError } from '#shared/core/errors.ts';
import { OUTPUTS } from '#shared/deployment/names.ts';

const DEFAULT_TIMEOUT_SECONDS = 1_200;

const OPTIONS = {
  ...SERVICE_OPTIONS,
  webhook: option('URL', 'a receiver that the service can reach', address()),
  timeout: option(
    'S',
    `how long to wait for a cold start (${DEFAULT_TIMEOUT_SECONDS})`,
    number(1).default(DEFAULT_TIMEOUT_SECONDS),
  ),
  ...STAGE_OPTION,
};

/** `onestep smoke`: a service used as a customer would. */
export const smoke = defineCommand({
  summary: 'try a deployment out: access, a cold and a warm image, the charge, a webhook',
  usage: '[options]',
  options: OPTIONS,
  examples: [
    'ONESTEP_KEY=os_live_… onestep smoke',
    'onestep smoke --webhook https://example.com/hook',
    'onestep smoke --data .onestep',
  ],
  run: (context) => withAws(() => runSmoke(context)),
});

async function runSmoke(context: CommandContext<typeof OPTIONS>): Promise<void> {
  const { options, stderr } = context;
  const { client, functionUrl } = await chooseService(context);
  stderr.write(`${client.url}\n`);
  const checks = await tryOut(
    { client, now: Date.now, say: (line) => stderr.write(`${line}\n`) },
    { timeoutMs: options.timeout * 1000, ...defined({ functionUrl, webhookUrl: options.webhook }) },
  );
  context.print({ checks }, '');
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length > 0) {
    throw new AppError('unavailable', `Failed: ${failed.map(({ check }) => check).join(', ')}.`);
  }
}

/** The service that the words or ONESTEP_URL name, else the stage's deployment on AWS. */
async function chooseService(context: CommandContext<typeof OPTIONS>) {
  const { options, env } = context;
  const isNamed = options.url !== undefined || options.data !== undefined;
  if (isNamed || (options.stage === undefined && env['ONESTEP_URL'])) {
    return { client: await connectService(context) };
  }
  const outputs = await partOutputs(deploymentSettings(context), 'api');
  const url = outputs[OUTPUTS.url];
  return {
    client: await connectService({ env, options: { ...options, url } }),
    functionUrl: outputs[OUTPUTS.functionUrl],
  };
}
