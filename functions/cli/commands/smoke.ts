import type { Command, CommandContext } from '#functions/cli/command.ts';
import { partOutputs } from '#functions/cli/deploy/aws.ts';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';
import { deploymentSettings, STAGE_OPTION } from '#functions/cli/deploy/project.ts';
import { smoke as tryOut } from '#functions/cli/deploy/smoke.ts';
import { AppError } from '#shared/core/errors.ts';
import { OUTPUTS } from '#shared/deployment/names.ts';

const DEFAULT_TIMEOUT_SECONDS = 1_200;

/** `onestep smoke`: a deployment used as a customer would. */
export const smoke: Command = {
  summary: 'try a deployment out: doors, a cold and a warm image, the charge, a webhook',
  usage: '[options]',
  options: {
    url: { type: 'string', value: 'URL', help: "the deployment's address (the api stack's)" },
    webhook: { type: 'string', value: 'URL', help: 'a receiver that the internet reaches' },
    timeout: {
      type: 'string',
      value: 'S',
      help: `wait for a cold start (${DEFAULT_TIMEOUT_SECONDS})`,
    },
    ...STAGE_OPTION,
  },
  examples: [
    'ONESTEP_API_KEY=os_live_… onestep smoke',
    'onestep smoke --webhook https://example.com/hook',
  ],
  run: (context) => withAws(() => runSmoke(context)),
};

async function runSmoke({
  values,
  env,
  stdout,
  stderr,
  ...context
}: CommandContext): Promise<void> {
  const apiKey = env['ONESTEP_API_KEY'];
  if (apiKey === undefined || apiKey === '') {
    throw new AppError('invalid-request', 'smoke needs an API key in ONESTEP_API_KEY.');
  }
  const seconds = Number(values['timeout'] ?? DEFAULT_TIMEOUT_SECONDS);
  if (!(seconds > 0)) throw new AppError('invalid-request', '--timeout must be seconds.');
  const settings = deploymentSettings({ values, env, stdout, stderr, ...context });
  const where =
    typeof values['url'] === 'string'
      ? { url: parseAddress(values['url']) }
      : await deployedAt(settings);
  const checks = await tryOut(
    { fetch, now: Date.now, say: (line) => stderr.write(`${line}\n`) },
    {
      ...where,
      apiKey,
      timeoutMs: seconds * 1000,
      ...(typeof values['webhook'] === 'string' ? { webhookUrl: values['webhook'] } : {}),
    },
  );
  if (values['json'] === true) stdout.write(`${JSON.stringify({ checks }, null, 2)}\n`);
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length > 0) {
    throw new AppError('unavailable', `Failed: ${failed.map(({ check }) => check).join(', ')}.`);
  }
}

/** An address without a slash at its end. */
function parseAddress(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new AppError('invalid-request', `--url must be an http or https address, not "${text}".`);
  }
  return text.replace(/\/+$/, '');
}

async function deployedAt(settings: Parameters<typeof partOutputs>[0]) {
  const outputs = await partOutputs(settings, 'api');
  const functionUrl = outputs[OUTPUTS.functionUrl];
  return {
    url: outputs[OUTPUTS.url] ?? '',
    ...(functionUrl === undefined ? {} : { functionUrl }),
  };
}
