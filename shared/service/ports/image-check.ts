import type { ImageFormat } from '#shared/core/inference.ts';

/** A finished image that has not been stored yet. */
export interface ImageToCheck {
  readonly job: string;
  readonly index: number;
  readonly prompt: string;
  readonly width: number;
  readonly height: number;
  readonly format: ImageFormat;
  /** The encoded file. */
  readonly bytes: Uint8Array;
}

export type ImageVerdict =
  | { readonly allowed: true }
  /** The reason is shown to the customer. */
  | { readonly allowed: false; readonly reason: string };

/**
 * Decides whether an image may be handed out, before it is stored. A rejected promise means that the
 * check failed; the image is not handed out then either.
 */
export type ImageCheck = (image: ImageToCheck) => Promise<ImageVerdict>;
