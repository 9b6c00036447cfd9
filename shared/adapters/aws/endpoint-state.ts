import { DescribeEndpointCommand, type SageMakerClient } from '@aws-sdk/client-sagemaker';
import { createRememberedReads } from '#shared/adapters/memory/remembered-reads.ts';
import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';

export interface EndpointState {
  readonly runningInstances: number;
  /** Since when more instances are wanted than run, in milliseconds since the Unix epoch. */
  readonly scalingSince?: number;
}

/** The API of SageMaker allows few calls a second, and an instance takes minutes to start. */
const TTL_MS = 10_000;

/** Reads the state of endpoints, each at most once in ten seconds. */
export function createEndpointState(deps: {
  readonly client: SageMakerClient;
  readonly clock: Clock;
}): (endpoint: string) => Promise<EndpointState> {
  return createRememberedReads({
    read: (endpoint) => describe(deps.client, endpoint),
    clock: deps.clock,
    ttlMs: TTL_MS,
  });
}

async function describe(client: SageMakerClient, endpoint: string): Promise<EndpointState> {
  const answer = await client.send(new DescribeEndpointCommand({ EndpointName: endpoint }));
  const [variant] = answer.ProductionVariants ?? [];
  const runningInstances = variant?.CurrentInstanceCount ?? 0;
  const isScaling = (variant?.DesiredInstanceCount ?? 0) > runningInstances;
  const since = answer.LastModifiedTime?.getTime();
  return {
    runningInstances,
    ...defined({ scalingSince: isScaling ? since : undefined }),
  };
}
