import type { Picture } from '#shared/engine/pipeline/pipeline.ts';
import type { Device } from '#shared/engine/pipeline/sessions.ts';

/** The worker's first message: what it runs, and where. */
export interface StartMessage {
  readonly type: 'start';
  readonly device: Device;
  readonly threads: number | undefined;
  /** The package that is loaded and warmed up at once. */
  readonly folder: string;
}

/** What the worker draws. */
export interface WorkerTask {
  readonly folder: string;
  /** Of the package that the task means. */
  readonly digest: string;
  readonly prompt: string;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly numOutputs: number;
  readonly decoder: 'draft' | undefined;
}

/** To the worker. A run is told to stop after the stage that it is in. */
export type ToWorker =
  | StartMessage
  | { readonly type: 'run'; readonly task: WorkerTask }
  | { readonly type: 'stop' };

/** A picture as the model drew it: not marked, not encoded, and in no store. */
export type DrawnPicture = Pick<Picture, 'index' | 'seed' | 'width' | 'height' | 'pixels'>;

/** Milliseconds of a task's stages in the worker. */
export interface StageMs {
  readonly load: number;
  readonly text: number;
  readonly unet: number;
  readonly vae: number;
}

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'phase'; readonly phase: 'loading' | 'running' }
  | { readonly type: 'picture'; readonly picture: DrawnPicture }
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
