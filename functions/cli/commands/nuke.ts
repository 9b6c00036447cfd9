import {
  ApplicationAutoScalingClient,
  DeregisterScalableTargetCommand,
  ObjectNotFoundException,
} from '@aws-sdk/client-application-auto-scaling';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import {
  DeleteEndpointCommand,
  SageMakerClient,
  waitUntilEndpointDeleted,
} from '@aws-sdk/client-sagemaker';
import { type CommandContext, defineCommand, flag } from '#functions/cli/command.ts';
import { abandonStack, stackOutputs } from '#functions/cli/deploy/aws.ts';
import { createCdk } from '#functions/cli/deploy/cdk.ts';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';
import { type NukeDeps, refuseProd, nuke as takeDown } from '#functions/cli/deploy/nuke.ts';
import { deploymentSettings, STAGE_OPTION } from '#functions/cli/deploy/project.ts';
import { runCommand } from '#functions/cli/deploy/run-command.ts';
import { AppError } from '#shared/core/errors.ts';
import { STACK_PARTS, stackName, VARIANT_NAME } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

const DELETION_SECONDS = 900;

const OPTIONS = {
  yes: flag('confirm that images, keys and the ledger are deleted'),
  ...STAGE_OPTION,
};
type Context = CommandContext<typeof OPTIONS>;

/** `onestep nuke`: a dev deployment down, with everything in it. */
export const nuke = defineCommand({
  summary: 'take a dev deployment down, with all that is in it, and name what is left',
  usage: '--yes [options]',
  options: OPTIONS,
  examples: ['onestep nuke --stage dev --yes'],
  run: (context) => withAws(() => runNuke(context)),
});

async function runNuke(context: Context): Promise<void> {
  const settings = deploymentSettings(context);
  refuseProd(settings);
  if (!context.options.yes) {
    const stacks = STACK_PARTS.map((part) => stackName(settings.stage, part)).join(', ');
    throw new AppError('invalid-request', `This deletes ${stacks} with all data. Say --yes.`);
  }
  const { leftovers } = await takeDown(nukeDeps(context, settings), settings);
  context.print({ leftovers }, `Left over:\n${leftovers.map((line) => `- ${line}\n`).join('')}`);
}

function nukeDeps(context: Context, { region, stage }: DeploymentSettings): NukeDeps {
  const scaling = new ApplicationAutoScalingClient({ region });
  const sageMaker = new SageMakerClient({ region });
  return {
    deregisterScaling: async (endpoint) => {
      try {
        await scaling.send(
          new DeregisterScalableTargetCommand({
            ServiceNamespace: 'sagemaker',
            ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
            ResourceId: `endpoint/${endpoint}/variant/${VARIANT_NAME}`,
          }),
        );
      } catch (error) {
        if (!(error instanceof ObjectNotFoundException)) throw error;
      }
    },
    deleteEndpoint: async (endpoint) => {
      try {
        await sageMaker.send(new DeleteEndpointCommand({ EndpointName: endpoint }));
      } catch (error) {
        if (error instanceof Error && /Could not find endpoint/.test(error.message)) return;
        throw error;
      }
      await waitUntilEndpointDeleted(
        { client: sageMaker, maxWaitTime: DELETION_SECONDS },
        { EndpointName: endpoint },
      );
    },
    destroyStack: createCdk(runCommand, stage).destroy,
    abandonStack: async (name, where) => {
      const client = new CloudFormationClient({ region: where });
      return abandonStack(client, name);
    },
    stackExists: async (name, where) =>
      (await stackOutputs(new CloudFormationClient({ region: where }), name)) !== undefined,
    say: (line) => context.stderr.write(`── ${line}\n`),
  };
}
