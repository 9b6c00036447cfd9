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

/** The life of the deployed models' endpoints, over the table. */
export function createDeployedEndpointLife(deps: {
  readonly table: DynamoTable;
  readonly control: EndpointControl;
  readonly models: readonly DeployedModel[];
  readonly clock: Clock;
}): EndpointLife {
  const { table, control, models, clock } = deps;
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
    control,
    hasOpen: (model) => hasOpenJobs(table, model),
    clock,
  });
}
