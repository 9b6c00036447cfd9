import { type Command, defineCommand } from '#functions/cli/command.ts';
import { invokeKillSwitch } from './aws.ts';
import { withAws } from './explain-aws-error.ts';
import { deploymentSettings, STAGE_OPTION } from './project.ts';

/** A command that works a deployment's kill switch by hand. */
export function killSwitchCommand(action: 'pause' | 'resume', summary: string): Command {
  return defineCommand({
    summary,
    usage: '[options]',
    options: STAGE_OPTION,
    examples: [`onestep ${action} --stage prod`],
    run: (context) =>
      withAws(async () => {
        await invokeKillSwitch(deploymentSettings(context), action);
        context.print({ done: action }, `${action}d\n`);
      }),
  });
}
