import type { Command, CommandContext } from '#functions/cli/command.ts';
import { invokeKillSwitch } from '#functions/cli/deploy/aws.ts';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';
import { deploymentSettings, STAGE_OPTION } from '#functions/cli/deploy/project.ts';

/** `onestep pause`: the kill switch, by hand. */
export const pause: Command = {
  summary: 'turn a deployment off: no GPU starts, the API answers creates with 503',
  usage: '[options]',
  options: STAGE_OPTION,
  examples: ['onestep pause --stage prod'],
  run: (context) => withAws(() => runPause(context)),
};

async function runPause(context: CommandContext): Promise<void> {
  await invokeKillSwitch(deploymentSettings(context), 'pause');
  context.stdout.write(context.values['json'] === true ? '{"done":"pause"}\n' : 'paused\n');
}
