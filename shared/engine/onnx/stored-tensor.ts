import { ELEMENT_BYTES } from './element-type.ts';
import { elementCount } from './shape.ts';

/** A tensor of a checkpoint, by the part of the repository that it belongs to and its name there. */
export interface CheckpointTensor {
  readonly part: string;
  readonly name: string;
  readonly shape: readonly number[];
}

/** Element types that weights are stored as. */
export type FloatType = 'FLOAT' | 'FLOAT16';
export type StoredType = FloatType | 'INT8';

/** A tensor of a model's weight file: taken from the checkpoint as it is, or computed from it. */
export interface StoredTensor {
  /** Unique in the weight file. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: StoredType;
  readonly source: CheckpointTensor;
  /**
   * Computes some rows from the same rows of the source, the first of which has the number `start`;
   * absent when they are taken as they are.
   */
  readonly compute?: (rows: Float32Array, start: number) => Float32Array | Int8Array;
  /**
   * The source's rows, in this many equal groups, each of which is stored as its transpose: `[rows,
   * columns]` becomes `[groups, columns, rows / groups]`. Absent when rows stay rows.
   */
  readonly transposedGroups?: number;
}

/** Bytes that a stored tensor takes. */
export const tensorBytes = ({ shape, type }: StoredTensor): number =>
  elementCount(shape) * ELEMENT_BYTES[type];
