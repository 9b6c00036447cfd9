import {
  type ApplicationAutoScalingClient,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling';
import {
  DescribeEndpointCommand,
  type SageMakerClient,
  UpdateEndpointWeightsAndCapacitiesCommand,
} from '@aws-sdk/client-sagemaker';
import type { EndpointControl } from '#shared/service/ports/endpoint-control.ts';

export interface EndpointControlDeps {
  readonly sageMaker: SageMakerClient;
  readonly scaling: ApplicationAutoScalingClient;
  /** The endpoints' one production variant. */
  readonly variant: string;
}

/** Instances of SageMaker endpoints, by Application Auto Scaling and by SageMaker itself. */
export function createEndpointControl(deps: EndpointControlDeps): EndpointControl {
  const { sageMaker, scaling, variant } = deps;
  return {
    async view(endpoint) {
      const answer = await sageMaker.send(new DescribeEndpointCommand({ EndpointName: endpoint }));
      const [first] = answer.ProductionVariants ?? [];
      return {
        current: first?.CurrentInstanceCount ?? 0,
        desired: first?.DesiredInstanceCount ?? 0,
        isUpdating: answer.EndpointStatus !== 'InService',
      };
    },

    async keepAtLeast(endpoint, count) {
      // What is not named stays: a maximum of 0, set by a pause, refuses a minimum above it.
      const command = new RegisterScalableTargetCommand({
        ServiceNamespace: 'sagemaker',
        ScalableDimension: 'sagemaker:variant:DesiredInstanceCount',
        ResourceId: `endpoint/${endpoint}/variant/${variant}`,
        MinCapacity: count,
      });
      return unlessRefused(() => scaling.send(command), 'paused');
    },

    async stopAll(endpoint) {
      const command = new UpdateEndpointWeightsAndCapacitiesCommand({
        EndpointName: endpoint,
        DesiredWeightsAndCapacities: [{ VariantName: variant, DesiredInstanceCount: 0 }],
      });
      return unlessRefused(() => sageMaker.send(command), 'busy');
    },
  };
}

/** Both services answer with a ValidationException where the state of things is against a call. */
async function unlessRefused<Refusal extends string>(
  call: () => Promise<unknown>,
  refusal: Refusal,
): Promise<'done' | Refusal> {
  try {
    await call();
    return 'done';
  } catch (error) {
    if (error instanceof Error && /^Validation(Exception|Error)$/.test(error.name)) return refusal;
    throw error;
  }
}
