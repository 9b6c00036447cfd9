import {
  ApplicationAutoScalingClient,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import {
  SageMakerClient,
  UpdateEndpointWeightsAndCapacitiesCommand,
} from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import { loadKillSwitchConfig } from './config.ts';
import { pauseOrResume, type SwitchDeps, type SwitchResult } from './pause-or-resume.ts';

const config = loadKillSwitchConfig(process.env);
const scaling = new ApplicationAutoScalingClient({});
const sagemaker = new SageMakerClient({});
const lambda = new LambdaClient({});

const deps: SwitchDeps = {
  setMaxCapacity: async (endpoint, max) => {
    await scaling.send(
      new RegisterScalableTargetCommand({
        ServiceNamespace: 'sagemaker',
        ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
        ResourceId: `endpoint/${endpoint}/variant/${config.VARIANT_NAME}`,
        MinCapacity: 0,
        MaxCapacity: max,
      }),
    );
  },
  setInstances: async (endpoint, count) => {
    await sagemaker.send(
      new UpdateEndpointWeightsAndCapacitiesCommand({
        EndpointName: endpoint,
        DesiredWeightsAndCapacities: [
          { VariantName: config.VARIANT_NAME, DesiredInstanceCount: count },
        ],
      }),
    );
  },
  setPaused: async (functionName, paused) => {
    const current = await lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: functionName }),
    );
    await lambda.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: functionName,
        Environment: {
          Variables: { ...current.Environment?.Variables, PAUSED: paused ? '1' : '0' },
        },
        // Refused if the function changed in the meantime: Lambda then invokes this one again.
        RevisionId: current.RevisionId,
      }),
    );
  },
};

const CommandSchema = z.object({ action: z.enum(['pause', 'resume']) });
const NotificationSchema = z.object({ Records: z.array(z.object({ Sns: z.object({}) })).min(1) });

/**
 * Pauses when an alarm's or a budget's notification invokes it; an operator invokes it with
 * `{"action":"resume"}` or `{"action":"pause"}`.
 * @throws when a step failed, so that Lambda retries
 */
export async function handler(event: unknown): Promise<SwitchResult> {
  const command = CommandSchema.safeParse(event);
  const action = command.success ? command.data.action : 'pause';
  if (!command.success) NotificationSchema.parse(event);
  const result = await pauseOrResume(deps, config, action);
  if (result.problems.length > 0) {
    throw new Error(`The ${action} is not complete. ${result.problems.join('; ')}`);
  }
  return result;
}
