import type { Manifest } from '#shared/engine/package/manifest.ts';

/** What is measured: random weights of SDXL's size, decoders of that size alone, or the demo model. */
export const SHAPES = ['sdxl', 'decoders', 'demo'] as const;
export type Shape = (typeof SHAPES)[number];

/** Work that the bench gives to a process of its own, whose memory it watches. */
export type EngineTask =
  | { readonly kind: 'write'; readonly repository: string; readonly tokenizers: string }
  | {
      readonly kind: 'import';
      readonly repository: string;
      readonly unet?: string;
      readonly vae?: string;
      readonly draftVae?: string;
      readonly out: string;
      readonly dtype: Manifest['dtype'];
    }
  | { readonly kind: 'write-decoders'; readonly folder: string }
  | { readonly kind: 'rate' }
  | {
      readonly kind: 'run';
      readonly model: string;
      readonly device: 'cpu' | 'cuda';
      /** Pixels of each side. */
      readonly side: number;
      readonly runs: number;
      /** Where the last image's bytes go, RGB row by row. */
      readonly pixels: string;
      /** Where ONNX Runtime's profile of each graph goes; none is made where undefined. */
      readonly profile?: string;
    };

/** What such a process reports: a phase begins (and waits for an answer), it has ended, all is done. */
export type EngineMessage =
  | { readonly kind: 'begin'; readonly phase: string }
  | { readonly kind: 'end'; readonly seconds: number }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly message: string };
