import type { ErrorCode } from '#shared/core/errors.ts';
import type { JobId } from '#shared/core/ids.ts';
import type { ImageRecord, InferenceRequest, Receipt } from '#shared/core/inference.ts';
import type { JobPhase } from '#shared/core/job.ts';

/** How a run ended, as reported by the GPU function or by the queue in front of it. */
export type InferenceOutcome =
  | { readonly kind: 'completed'; readonly receipt: Receipt }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly retryable: boolean;
      /** Images that were finished and stored before the end. */
      readonly images: readonly ImageRecord[];
    }
  /** Nobody took it over, as while the GPU function is starting again. */
  | { readonly kind: 'refused' }
  /** Waited too long in the queue and was never run. */
  | { readonly kind: 'expired' };

/** A completion: may come twice, late, out of order or never. */
export interface Completion {
  readonly job: JobId;
  readonly outcome: InferenceOutcome;
}

export interface Progress {
  readonly phase: JobPhase;
  /** When the GPU function began with this job. */
  readonly startedAt?: number;
  /** Images finished so far. */
  readonly imagesDone: number;
  /** Expected milliseconds until the endpoint can run something, while it is starting up. */
  readonly readyInMs?: number;
}

/** Where claimed jobs go to be run. */
export interface InferenceQueue {
  /** How many more jobs of this model the queue should be given now. */
  capacity(model: string): Promise<number>;
  /** Hands a job over; it is accepted when this resolves. Repeating it must be harmless. */
  submit(request: InferenceRequest): Promise<void>;
  /** Asks for the job to stop; a queue that can't stop it leaves a mark that the function reads. */
  cancel(job: JobId): Promise<void>;
  progress(job: JobId, model: string): Promise<Progress>;
}
