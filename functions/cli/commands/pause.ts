import { killSwitchCommand } from '#functions/cli/deploy/kill-switch-command.ts';

export const pause = killSwitchCommand(
  'pause',
  'turn a deployment off: no GPU starts, the API answers creates with 503',
);
