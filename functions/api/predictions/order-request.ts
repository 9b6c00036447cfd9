import type { Dialect } from '#shared/core/job.ts';
import type { CatalogModel } from '#shared/service/domain/catalog.ts';
import type { CreatePrediction } from './prediction-schema.ts';

/** What one dialect makes of a request, before the headers that all dialects share. */
export interface OrderRequest {
  readonly model: CatalogModel;
  readonly dialect: Dialect;
  /** The route's own name: the scope of idempotency keys and of equal bodies. */
  readonly route: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Where the input's members are in the request, for the paths of faults. */
  readonly inputPath?: readonly string[];
  /** The caller can't ask for the job later: without a retry within the grace time it is cancelled. */
  readonly cannotPoll?: boolean;
  readonly extras?: Pick<
    CreatePrediction,
    'webhook' | 'webhook_events_filter' | 'metadata' | 'preview'
  >;
}
