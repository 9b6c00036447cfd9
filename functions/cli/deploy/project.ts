import { fileURLToPath } from 'node:url';
import { type CommandContext, option } from '#functions/cli/command.ts';
import { choice } from '#functions/cli/option-types.ts';
import { defined } from '#shared/core/defined.ts';
import { type DeploymentSettings, loadSettings } from '#shared/deployment/settings.ts';

/**
 * The project's folder, where cdk.json is: this checkout, or the copy that a package has in its data
 * folder, which the launcher names.
 */
export const PROJECT_FOLDER =
  process.env['ONESTEP_PROJECT'] || fileURLToPath(new URL('../../..', import.meta.url));

/** The option that every command about a deployment has. */
export const STAGE_OPTION = {
  stage: option('STAGE', "dev or prod (cdk.json's)", choice(['dev', 'prod'])),
};

/** The context of a command about a deployment. */
export type StageContext = CommandContext<typeof STAGE_OPTION>;

/** The settings of the deployment that a command is about. */
export function deploymentSettings({
  options: { stage },
}: Pick<StageContext, 'options'>): DeploymentSettings {
  return loadSettings(PROJECT_FOLDER, defined({ stage }));
}
