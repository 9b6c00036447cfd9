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
