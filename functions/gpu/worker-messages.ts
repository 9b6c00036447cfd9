import type { ImageFormat, ImageRecord } from '#shared/core/inference.ts';
import type { Device } from '#shared/engine/pipeline/sessions.ts';
import type { MarkingOptions } from '#shared/provenance/marking.ts';

/** The worker's first message: what it runs, and where. */
export interface StartMessage {
  readonly type: 'start';
  readonly device: Device;
  readonly threads: number | undefined;
  readonly marking: MarkingOptions;
  /** The package that is loaded and warmed up at once. */
  readonly folder: string;
}

export interface WorkerTask {
  readonly folder: string;
  /** Of the package that the task means. */
  readonly digest: string;
  readonly prompt: string;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly numOutputs: number;
  readonly format: ImageFormat;
  readonly decoder: 'draft' | undefined;
  readonly quality: number;
  /** The secret that marks are made with; one of the process's own where the task brings none. */
  readonly signingKey: Uint8Array | undefined;
}

/** To the worker. After each image but the last it waits for `next` or `stop`. */
export type ToWorker =
  | StartMessage
  | { readonly type: 'run'; readonly task: WorkerTask }
  | { readonly type: 'next' }
  | { readonly type: 'stop' };

/** An encoded image on its way to the store; its key is the parent's to choose. */
export interface MadeImage {
  readonly record: Omit<ImageRecord, 'key'>;
  readonly bytes: Uint8Array;
}

/** Milliseconds of a task's stages in the worker. */
export interface StageMs {
  readonly load: number;
  readonly text: number;
  readonly unet: number;
  readonly vae: number;
  readonly encode: number;
}

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'phase'; readonly phase: 'loading' | 'running' }
  | { readonly type: 'image'; readonly image: MadeImage }
  | {
      readonly type: 'done';
      readonly ms: StageMs;
      readonly versions: Readonly<Record<string, string>>;
      readonly warnings: readonly string[];
    }
  | {
      readonly type: 'error';
      readonly code: 'invalid-input' | 'model-error' | 'out-of-memory';
      readonly message: string;
    };
