import type { Command } from '#functions/cli/command.ts';
import { invokeKillSwitch } from '#functions/cli/deploy/aws.ts';
import { deploymentSettings, STAGE_OPTION } from '#functions/cli/deploy/project.ts';

/** `onestep resume`: the kill switch, by hand. */
export const resume: Command = {
  summary: 'turn a deployment on again after the kill switch',
  usage: '[options]',
  options: STAGE_OPTION,
  examples: ['onestep resume --stage prod'],
  async run(context) {
    await invokeKillSwitch(deploymentSettings(context), 'resume');
    context.stdout.write(context.values['json'] === true ? '{"done":"resume"}\n' : 'resumed\n');
  },
};
