import type { Command, CommandContext } from '#functions/cli/command.ts';
import { invokeKillSwitch } from '#functions/cli/deploy/aws.ts';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';
import { deploymentSettings, STAGE_OPTION } from '#functions/cli/deploy/project.ts';

/** `onestep resume`: the kill switch, by hand. */
export const resume: Command = {
  summary: 'turn a deployment on again after the kill switch',
  usage: '[options]',
  options: STAGE_OPTION,
  examples: ['onestep resume --stage prod'],
  run: (context) => withAws(() => runResume(context)),
};

async function runResume(context: CommandContext): Promise<void> {
  await invokeKillSwitch(deploymentSettings(context), 'resume');
  context.stdout.write(context.values['json'] === true ? '{"done":"resume"}\n' : 'resumed\n');
}
