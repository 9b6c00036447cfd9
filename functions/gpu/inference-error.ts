import { AppError } from '#shared/core/errors.ts';
import {
  type ImageRecord,
  INFERENCE_ERROR_CODES,
  type InferenceError,
} from '#shared/core/inference.ts';

type InferenceErrorCode = (typeof INFERENCE_ERROR_CODES)[number];

/** A failed task, and the images that were finished and stored before it ended. */
export class TaskError extends AppError {
  override readonly name = 'TaskError';
  readonly images: readonly ImageRecord[];

  constructor(
    code: InferenceErrorCode,
    message: string,
    options: { images?: readonly ImageRecord[]; retryable?: boolean; cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.images = options.images ?? [];
  }
}

/** Status and body that a failure answers with; codes outside the contract become `unavailable`. */
export function inferenceError(thrown: unknown): { status: number; body: InferenceError } {
  const error = toInferenceError(thrown);
  const images = error instanceof TaskError ? error.images : [];
  return {
    status: error.status,
    body: {
      error: {
        code: error.code as InferenceErrorCode,
        message: error.message,
        retryable: error.retryable,
        ...(images.length > 0 && { images: [...images] }),
      },
    },
  };
}

function toInferenceError(thrown: unknown): AppError {
  if (!(thrown instanceof AppError)) {
    return new AppError('model-error', 'The inference failed.', { cause: thrown });
  }
  if (INFERENCE_ERROR_CODES.some((code) => code === thrown.code)) return thrown;
  return new AppError('unavailable', thrown.message, { retryable: true, cause: thrown });
}
