import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import type { Var } from '#shared/engine/onnx/value.ts';
import type { Activation } from './activation.ts';
import type { Affine, Scope } from './scope.ts';

export interface NormOptions {
  readonly groups: number;
  readonly epsilon: number;
  /** Applied to the normalised values; absent for none. */
  readonly activation?: Activation;
  /** `[N, C]`, added to every pixel before. */
  readonly plus?: Var;
}

/** A normalisation and where its weights are. */
export interface NormLayer {
  readonly scope: Scope;
  readonly options: NormOptions;
}

export interface ImageConv {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride?: number;
  /** Whether it has a bias; default: yes. */
  readonly bias?: boolean | undefined;
  /** `after`: one row and column of zeros at the bottom and right only. */
  readonly padding?: number | 'after';
  /** How many times larger the image is than the latents; absent if that is unknown. */
  readonly scale?: number | undefined;
}

export interface UpsampleOptions {
  readonly channels: number;
  /** Whether the convolution has a bias; default: yes. */
  readonly bias?: boolean | undefined;
  /** Has the size of the result; absent for twice the image's. */
  readonly like?: Var | undefined;
  /** How many times larger the result is than the latents; absent if that is unknown. */
  readonly scale?: number | undefined;
}

/** A linear layer's output and the bias that the next operation adds to it. */
export interface Unbiased {
  readonly product: Var;
  readonly bias: StoredTensor;
}

/**
 * How a kind of device computes the layers of text encoders, UNet and VAE. An *image* is
 * four-dimensional in the target's own layout; *tokens* are `[N, S, C]` everywhere.
 */
export interface Target {
  /** A stored tensor as a value of the target's float type. */
  readonly parameter: (tensor: StoredTensor, shape?: readonly number[]) => Var;
  /** A float value in the target's float type. */
  readonly cast: (x: Var) => Var;

  /** From `[N, C, h, w]` to the target's image, and back. */
  readonly toImage: (x: Var) => Var;
  readonly fromImage: (x: Var) => Var;

  readonly conv: (image: Var, scope: Scope, shape: ImageConv) => Var;
  /** Doubles an image, or gives it the size of another, then a 3×3 convolution. */
  readonly upsample: (image: Var, scope: Scope, options: UpsampleOptions) => Var;
  readonly groupNorm: (image: Var, scope: Scope, channels: number, options: NormOptions) => Var;
  /** A convolution of a normalised image. */
  readonly normConv: (image: Var, norm: NormLayer, scope: Scope, shape: ImageConv) => Var;
  /** Adds a vector `[N, C]` to every pixel, or multiplies every pixel by it. */
  readonly addVector: (image: Var, vector: Var) => Var;
  readonly mulVector: (image: Var, vector: Var) => Var;
  /** The sum of two images. */
  readonly sum: (a: Var, b: Var) => Var;
  readonly concatChannels: (a: Var, b: Var) => Var;

  /** The image's pixels as tokens, row by row, and back to an image of the size of `like`. */
  readonly toTokens: (image: Var, channels: number) => Var;
  readonly fromTokens: (tokens: Var, like: Var) => Var;

  readonly linear: (x: Var, weights: Affine) => Var;
  /** A linear layer without bias. */
  readonly project: (x: Var, weight: StoredTensor) => Var;
  readonly layerNorm: (x: Var, norm: Affine, epsilon: number) => Var;
  /** `sum` = product + bias + skip, and its layer normalisation. */
  readonly residualNorm: (
    branch: Unbiased,
    skip: Var,
    norm: Affine,
    epsilon: number,
  ) => { normalized: Var; sum: Var };
  readonly residual: (branch: Unbiased, skip: Var) => Var;
  /** (x·A + a) · gelu(x·B + b), where A and B are the two halves of one weight `[2·outputs, in]`. */
  readonly geglu: (x: Var, scope: Scope, inputs: number, outputs: number) => Var;
}
