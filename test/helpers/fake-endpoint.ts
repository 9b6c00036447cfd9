import {
  type ApplicationAutoScalingClient,
  RegisterScalableTargetCommand,
} from '@aws-sdk/client-application-auto-scaling';
import {
  DescribeEndpointCommand,
  type SageMakerClient,
  UpdateEndpointWeightsAndCapacitiesCommand,
} from '@aws-sdk/client-sagemaker';
import { createEndpointControl } from '#shared/adapters/aws/endpoint-control.ts';
import { createEndpointRows } from '#shared/adapters/dynamo/endpoint-rows.ts';
import { itemKeys } from '#shared/adapters/dynamo/item-keys.ts';
import type { EndpointRow } from '#shared/service/ports/endpoint-control.ts';
import { createMemoryDynamo } from './memory-dynamo/memory-dynamo.ts';
import { tableOver } from './memory-dynamo/open-memory-table.ts';

/** Waits for its turn among calls that run at one time. */
export type Turn = (call: string) => Promise<void>;

export const ENDPOINT = 'endpoint';
const VARIANT = 'only';

/**
 * The adapters of an endpoint's life over the SDK's clients: DynamoDB in memory, and an endpoint with its
 * scaling as AWS's documents have them. A minimum above the maximum is refused, a change is refused while
 * another is under way, and what is asked for becomes true only later. It can't show what AWS does beside
 * its documents, nor how long any of it takes.
 */
export function createFakeEndpoint(turn: Turn = async () => undefined) {
  const state = { current: 1, desired: 1, min: 0, max: 1 };
  const isUpdating = () => state.current !== state.desired;
  /** Application Auto Scaling makes up for a minimum at once, unless the endpoint is being changed. */
  const scale = () => {
    if (!isUpdating() && state.desired < state.min) state.desired = state.min;
  };
  const effects = (command: unknown): unknown => {
    if (command instanceof DescribeEndpointCommand) {
      const { current, desired } = state;
      return {
        EndpointStatus: isUpdating() ? 'Updating' : 'InService',
        ProductionVariants: [{ CurrentInstanceCount: current, DesiredInstanceCount: desired }],
      };
    }
    if (command instanceof RegisterScalableTargetCommand) {
      const { ResourceId, MinCapacity = 0 } = command.input;
      if (ResourceId !== `endpoint/${ENDPOINT}/variant/${VARIANT}`) throw refused('No such target');
      if (MinCapacity > state.max) throw refused('Minimum capacity is above maximum capacity');
      state.min = MinCapacity;
      scale();
      return {};
    }
    if (command instanceof UpdateEndpointWeightsAndCapacitiesCommand) {
      if (isUpdating()) throw refused('Cannot update in-progress endpoint');
      state.desired = command.input.DesiredWeightsAndCapacities?.[0]?.DesiredInstanceCount ?? 0;
      return {};
    }
    throw new Error('The endpoint knows no such command');
  };
  const send = async (command: object): Promise<unknown> => {
    await turn(command.constructor.name);
    return effects(command);
  };
  const dynamo = createMemoryDynamo({ now: () => 0 });
  const table = tableOver(async (command) => {
    await turn((command as object).constructor.name);
    return dynamo.send(command);
  });
  return {
    state,
    control: createEndpointControl({
      sageMaker: { send } as unknown as SageMakerClient,
      scaling: { send } as unknown as ApplicationAutoScalingClient,
      variant: VARIANT,
    }),
    rows: createEndpointRows(table),
    /** The row as it is, without waiting for a turn. */
    row: () =>
      dynamo.table.get({ ...itemKeys.endpoint(ENDPOINT) })?.['row'] as EndpointRow | undefined,
    /** What was asked for becomes true. */
    settle() {
      state.current = state.desired;
    },
    /** The kill switch: no instances, and none may come. */
    pause() {
      Object.assign(state, { min: 0, max: 0, desired: 0 });
    },
    resume() {
      Object.assign(state, { max: 1 });
    },
  };
}

function refused(message: string): Error {
  return Object.assign(new Error(message), { name: 'ValidationException' });
}
