import { assertBlobKey } from '#shared/core/blob-key.ts';
import { AppError } from '#shared/core/errors.ts';
import { type InferenceRequest, InferenceRequestSchema } from '#shared/core/inference.ts';
import { assertPictureSize } from '#shared/engine/pipeline/picture-size.ts';
import { findModel, type ServedModel } from './models.ts';
import type { WorkerTask } from './worker-messages.ts';

/** A checked request, and what the worker is to do for it. */
export interface Task {
  readonly request: InferenceRequest;
  readonly model: ServedModel;
  readonly work: WorkerTask;
  /** The secret that images are marked with, where the task brings one. */
  readonly signingKey: Uint8Array | undefined;
}

/**
 * Checks the body of an invocation against the contract and against the model that it names.
 *
 * @throws AppError `invalid-input` that names every fault
 */
export function readTask(body: string, models: readonly ServedModel[]): Task {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw new AppError('invalid-input', 'The body is not JSON.', { cause });
  }
  const parsed = InferenceRequestSchema.safeParse(json);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(
      ({ path, message }) => `${path.length === 0 ? 'body' : path.join('.')}: ${message}`,
    );
    throw new AppError('invalid-input', faults.join('; '), { cause: parsed.error });
  }
  const request = parsed.data;
  const model = findModel(models, request.model);
  assertPictureSize(request.width, request.height, model.manifest.size.multiple);
  if (request.decoder === 'draft' && model.manifest.draft === undefined) {
    throw new AppError('invalid-input', `${request.model.name} has no decoder for drafts.`, {
      details: { param: 'decoder' },
    });
  }
  assertKeys(request);
  return {
    request,
    model,
    work: {
      folder: model.folder,
      digest: model.manifest.digest,
      prompt: request.prompt,
      seed: request.seed,
      width: request.width,
      height: request.height,
      numOutputs: request.num_outputs,
      decoder: request.decoder,
    },
    signingKey: request.signing_key === undefined ? undefined : readKey(request.signing_key),
  };
}

/** The key of an image under the task's prefix. */
export function imageKey({ store, output_format }: InferenceRequest, index: number): string {
  return `${store.prefix.replace(/\/+$/, '')}/${index}.${output_format}`;
}

function assertKeys(request: InferenceRequest): void {
  try {
    assertBlobKey(imageKey(request, 0));
    assertBlobKey(request.job);
  } catch (cause) {
    throw new AppError('invalid-input', `job or store.prefix: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function readKey(text: string): Uint8Array {
  const key = Buffer.from(text, 'base64');
  if (key.length >= 16 && key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')) {
    return key;
  }
  throw new AppError('invalid-input', 'signing_key: expected base64 of at least 16 bytes');
}
