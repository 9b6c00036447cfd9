import { assert } from '#shared/core/errors.ts';
import { sameShape } from '#shared/engine/onnx/shape.ts';
import type {
  CheckpointTensor,
  StoredTensor,
  FloatType,
} from '#shared/engine/onnx/stored-tensor.ts';

/** A layer's weights under the names that torch gives them. */
export interface Affine {
  readonly weight: StoredTensor;
  readonly bias: StoredTensor;
}

/** What all scopes of one part of a repository share. */
interface Part {
  readonly name: string;
  readonly type: FloatType;
  /** Put before a tensor's name to make it unique in the weight file. */
  readonly prefix: string;
  readonly asked: Map<string, CheckpointTensor>;
  readonly stored: Map<string, StoredTensor>;
}

/**
 * A module's place among the tensors of a checkpoint: `at` steps into a submodule, the other methods
 * ask for its tensors. The checkpoint must contain everything that was asked for.
 */
export class Scope {
  private readonly origin: Part;
  private readonly path: string;
  /** Factors of a layer's weight and bias in the weight file. */
  private readonly factors: Readonly<Record<string, number>>;

  private constructor(origin: Part, path: string, factors: Readonly<Record<string, number>> = {}) {
    this.origin = origin;
    this.path = path;
    this.factors = factors;
  }

  /** The root scope of a part of a repository, such as `unet`. */
  static of(name: string, type: FloatType, prefix = ''): Scope {
    return new Scope({ name, type, prefix, asked: new Map(), stored: new Map() }, '');
  }

  at(...steps: readonly (string | number)[]): Scope {
    return new Scope(this.origin, [...(this.path === '' ? [] : [this.path]), ...steps].join('.'));
  }

  /** This layer with its weight and bias multiplied by powers of two, which is exact. */
  scaled(exponents: { readonly weight: number; readonly bias: number }): Scope {
    const { weight, bias } = exponents;
    return new Scope(this.origin, this.path, { weight: 2 ** weight, bias: 2 ** bias });
  }

  /** The part of the repository. */
  get part(): string {
    return this.origin.name;
  }

  /** The type that tensors are stored as. */
  get type(): FloatType {
    return this.origin.type;
  }

  /** Every tensor of the checkpoint that has been asked for, by name. */
  get asked(): ReadonlyMap<string, CheckpointTensor> {
    return this.origin.asked;
  }

  /** Asks for a tensor of this module that must exist, even if the graph does not use it. */
  ask(name: string, shape: readonly number[]): CheckpointTensor {
    const full = this.path === '' ? name : `${this.path}.${name}`;
    const known = this.origin.asked.get(full);
    assert(known === undefined || sameShape(known.shape, shape), `${full} has one shape`);
    const tensor = known ?? { part: this.origin.name, name: full, shape };
    this.origin.asked.set(full, tensor);
    return tensor;
  }

  /** A tensor of the checkpoint, stored unchanged; `as` is its shape in the graph. */
  tensor(name: string, shape: readonly number[], as: readonly number[] = shape): StoredTensor {
    const source = this.ask(name, shape);
    const factor = this.factors[name] ?? 1;
    if (factor !== 1) {
      return this.derived(name, as, source, (rows) => rows, this.origin.type);
    }
    return this.store({
      name: `${this.origin.prefix}${source.name}`,
      shape: as,
      type: this.origin.type,
      source,
    });
  }

  /**
   * A tensor computed at import from another of this module, linearly: twice the weight gives twice
   * the result.
   *
   * @param name begins with its source's name, as `weight.channels_last` does
   * @param compute computes some rows from the same rows of the source
   */
  derived(
    name: string,
    shape: readonly number[],
    source: CheckpointTensor,
    compute: (rows: Float32Array) => Float32Array,
    type: FloatType,
  ): StoredTensor {
    const full = this.path === '' ? name : `${this.path}.${name}`;
    const factor = this.factors[name.split('.')[0] ?? name] ?? 1;
    return this.store({
      name: `${this.origin.prefix}${full}${factor === 1 ? '' : `.times_${factor}`}`,
      shape,
      type,
      source,
      compute: factor === 1 ? compute : (values) => compute(values).map((value) => value * factor),
    });
  }

  linear(inputs: number, outputs: number): Affine {
    return this.affine([outputs, inputs]);
  }

  /** A 1×1 convolution, seen as a linear layer. */
  pointwise(inputs: number, outputs: number): Affine {
    return {
      weight: this.tensor('weight', [outputs, inputs, 1, 1], [outputs, inputs]),
      bias: this.tensor('bias', [outputs]),
    };
  }

  conv(inputs: number, outputs: number, kernel: number): Affine {
    return this.affine([outputs, inputs, kernel, kernel]);
  }

  norm(channels: number): Affine {
    return this.affine([channels]);
  }

  private affine(shape: readonly number[]): Affine {
    return { weight: this.tensor('weight', shape), bias: this.tensor('bias', shape.slice(0, 1)) };
  }

  private store(tensor: StoredTensor): StoredTensor {
    const known = this.origin.stored.get(tensor.name);
    if (known !== undefined) return known;
    this.origin.stored.set(tensor.name, tensor);
    return tensor;
  }
}
