import { fileURLToPath } from 'node:url';
import type { CommandContext, Option } from '#functions/cli/command.ts';
import { AppError } from '#shared/core/errors.ts';
import { type DeploymentSettings, loadSettings } from '#shared/deployment/settings.ts';

/** This project's own folder, where cdk.json is. */
export const PROJECT_FOLDER = fileURLToPath(new URL('../../..', import.meta.url));

/** The option that every command about a deployment has. */
export const STAGE_OPTION = {
  stage: { type: 'string', value: 'STAGE', help: "dev or prod (cdk.json's)" },
} as const satisfies Record<string, Option>;

/** What `--stage` changes in the context. */
export function stageOverride(context: CommandContext): Record<string, string> {
  const stage = context.values['stage'];
  if (stage === undefined) return {};
  if (stage === 'dev' || stage === 'prod') return { stage };
  throw new AppError('invalid-request', `--stage must be dev or prod, not "${String(stage)}".`);
}

/** The settings of the deployment that a command is about. */
export function deploymentSettings(context: CommandContext): DeploymentSettings {
  return loadSettings(PROJECT_FOLDER, stageOverride(context));
}
