import type { ServiceFunction } from './constructs/service-function.ts';
import type { ApiStack } from './stacks/api-stack.ts';
import type { DataStack } from './stacks/data-stack.ts';
import type { EdgeStack } from './stacks/edge-stack.ts';
import type { GpuStack } from './stacks/gpu-stack.ts';
import type { WebhooksStack } from './stacks/webhooks-stack.ts';

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
    Webhooks: webhooks.webhooks,
  };
}
