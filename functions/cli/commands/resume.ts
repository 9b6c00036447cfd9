import { killSwitchCommand } from '#functions/cli/deploy/kill-switch-command.ts';

export const resume = killSwitchCommand(
  'resume',
  'turn a deployment on again after the kill switch',
);
