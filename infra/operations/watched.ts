import type { ApiStack } from '#infra/api/api-stack.ts';
import type { ServiceFunction } from '#infra/constructs/service-function.ts';
import type { DataStack } from '#infra/data/data-stack.ts';
import type { EdgeStack } from '#infra/edge/edge-stack.ts';
import type { GpuStack } from '#infra/gpu/gpu-stack.ts';
import type { WebhooksStack } from '#infra/webhooks/webhooks-stack.ts';

/** Everything that operations watch. */
export interface Watched {
  readonly data: DataStack;
  readonly edge: EdgeStack;
  readonly gpu: GpuStack;
  readonly api: ApiStack;
  readonly webhooks: WebhooksStack;
}

/** Every function of the region, by the name that its alarms and graphs have. */
export function regionalFunctions({ api, webhooks }: Watched): Record<string, ServiceFunction> {
  return {
    Api: api.api,
    Dispatch: api.dispatch,
    Complete: api.complete,
    Sweep: api.sweep,
    Inspect: api.imageReader,
    Webhooks: webhooks.webhooks,
  };
}
