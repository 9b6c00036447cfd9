import { hasOpenJobs } from '#shared/adapters/dynamo/claim.ts';
import type { DynamoTable } from '#shared/adapters/dynamo/dynamo-table.ts';
import { createEndpointRows } from '#shared/adapters/dynamo/endpoint-rows.ts';
import type { Clock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import {
  createEndpointLife,
  type EndpointLife,
} from '#shared/service/domain/endpoints/endpoint-life.ts';
import { parseWarmSchedule } from '#shared/service/domain/endpoints/warm-schedule.ts';
import type { EndpointControl } from '#shared/service/ports/endpoint-control.ts';
import { type DeployedModel, hasInstances } from './environment.ts';

const MINUTE_MS = 60_000;

/** The life of the deployed models' endpoints, over the table; undefined where they do not scale. */
export function createDeployedEndpointLife(deps: {
  readonly table: DynamoTable;
  /** The endpoints' variant, where they scale. */
  readonly variant: string | undefined;
  readonly controlOf: (variant: string) => EndpointControl;
  readonly models: readonly DeployedModel[];
  readonly clock: Clock;
}): EndpointLife | undefined {
  const { table, variant, models, clock } = deps;
  if (variant === undefined) return undefined;
  return createEndpointLife({
    endpoints: models.filter(hasInstances).map(({ name, endpoint, idleMinutes, warm }) => ({
      model: name,
      endpoint,
      ...defined({
        idleMs: idleMinutes && idleMinutes * MINUTE_MS,
        warm: warm === undefined ? undefined : parseWarmSchedule(warm),
      }),
    })),
    rows: createEndpointRows(table),
    control: deps.controlOf(variant),
    hasOpen: (model) => hasOpenJobs(table, model),
    clock,
  });
}
