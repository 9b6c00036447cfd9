import { defineCommand } from '#functions/cli/command.ts';
import { type Finding, preflight as lookAhead } from '#functions/cli/deploy/preflight.ts';
import { createPreflightDeps } from '#functions/cli/deploy/preflight-account.ts';
import { deploymentSettings, PROJECT_FOLDER, STAGE_OPTION } from '#functions/cli/deploy/project.ts';
import { runCommand } from '#functions/cli/deploy/run-command.ts';
import { AppError } from '#shared/core/errors.ts';

/** `onestep preflight`: whether a deployment can succeed. */
export const preflight = defineCommand({
  summary: 'check whether an AWS account can take a deployment',
  usage: '[options]',
  options: STAGE_OPTION,
  examples: ['onestep preflight', 'onestep preflight --stage prod --json'],
  async run(context) {
    const settings = deploymentSettings(context);
    const deps = createPreflightDeps(settings, runCommand, PROJECT_FOLDER);
    const findings = await lookAhead(deps, settings);
    context.print({ findings }, report(findings));
    const failed = findings.filter(({ ok }) => !ok);
    if (failed.length > 0) {
      throw new AppError(
        'invalid-request',
        `Not ready: ${failed.map(({ check }) => check).join(', ')}.`,
      );
    }
  },
});

function report(findings: readonly Finding[]): string {
  return findings
    .map(({ check, ok, warns, says, command }) => {
      const line = `${ok ? (warns ? 'WARN' : 'ok  ') : 'FAIL'} ${check}: ${says}\n`;
      return command === undefined ? line : `${line}       ${command}\n`;
    })
    .join('');
}
