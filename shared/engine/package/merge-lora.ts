import { FormatError } from '#shared/core/errors.ts';
import { areFinite } from '#shared/engine/checkpoint/finite.ts';
import { floatsOf } from '#shared/engine/checkpoint/computed-tensor.ts';
import { type LowRank, withLowRank } from '#shared/engine/checkpoint/low-rank.ts';
import { quote } from '#shared/engine/checkpoint/quote.ts';
import {
  type Checkpoint,
  elementCount,
  type LazyTensor,
} from '#shared/engine/checkpoint/tensor.ts';
import { type LoraPart, loraTargets, readLoraName } from './lora-names.ts';
import { type LoraSettings, loraSettings } from './lora-settings.ts';

/** Where a file or folder was fetched from. */
export interface HubPlace {
  /** `OWNER/NAME`. */
  readonly repository: string;
  readonly file?: string | undefined;
}

/** An adapter, and how strongly it is applied. */
export interface Lora {
  readonly file: string;
  readonly scale: number;
  /** Where it was fetched from, if it was. */
  readonly hub?: HubPlace | undefined;
}

/** Tensors by part, under the names of diffusers and transformers. */
export type PartTensors = ReadonlyMap<string, ReadonlyMap<string, LazyTensor>>;

interface Factors {
  up?: LazyTensor;
  down?: LazyTensor;
  alpha?: LazyTensor;
}

/** Adapters of other kinds, by what their tensors are called. */
const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [/\.hada_w/, 'a LoHa'],
  [/\.lokr_w/, 'a LoKr'],
  [/\.(?:dora_scale|lora_magnitude_vector)/, 'a DoRA'],
  [/\.lora_mid\./, 'a LoCon in Tucker form'],
  [/\.oft_/, 'an OFT'],
];

/**
 * Merges adapters into the weights, in float32 and in their order.
 *
 * @param open opens an adapter's file
 * @returns the parts with changed tensors in place of those that an adapter changes
 * @throws FormatError naming the module that is unknown, incomplete, of another shape or another kind
 */
export function mergeLoras(
  parts: PartTensors,
  loras: readonly Lora[],
  open: (file: string) => Checkpoint,
): PartTensors {
  if (loras.length === 0) return parts;
  const targetOf = loraTargets((part) => modulesOf(parts, part));
  const changes = new Map<LazyTensor, LowRank[]>();
  for (const lora of loras) {
    const checkpoint = open(lora.file);
    const modules = factorsOf(checkpoint, lora.file);
    const settingsOf = loraSettings(checkpoint, lora.file);
    for (const [module, factors] of modules) {
      const target = targetOf(module);
      const weight = target && parts.get(target.part)?.get(`${target.module}.weight`);
      if (target === undefined || weight === undefined) {
        throw new FormatError(lora.file, `module ${quote(module)} is not part of this model`);
      }
      const known = changes.get(weight) ?? [];
      changes.set(weight, [
        ...known,
        lowRank(module, factors, weight, lora, settingsOf(target.part)),
      ]);
    }
  }
  return new Map(
    [...parts].map(([part, tensors]) => [
      part,
      new Map([...tensors].map(([name, tensor]) => [name, changed(tensor, changes.get(tensor))])),
    ]),
  );
}

const changed = (tensor: LazyTensor, changes: readonly LowRank[] | undefined): LazyTensor =>
  changes === undefined ? tensor : withLowRank(tensor, changes);

function modulesOf(parts: PartTensors, part: LoraPart): readonly string[] {
  const names = [...(parts.get(part)?.keys() ?? [])];
  return names.filter((name) => name.endsWith('.weight')).map((name) => name.slice(0, -7));
}

/** The factors of each module, under the module's name in the file. */
function factorsOf(checkpoint: Checkpoint, file: string): ReadonlyMap<string, Factors> {
  const modules = new Map<string, Factors>();
  for (const [name, tensor] of checkpoint.tensors) {
    const kind = OTHER_KINDS.find(([pattern]) => pattern.test(name));
    if (kind !== undefined) {
      throw new FormatError(
        file,
        `tensor ${quote(name)}: it is ${kind[1]}, which is not supported`,
      );
    }
    const read = readLoraName(name);
    if (read === undefined) {
      throw new FormatError(file, `tensor ${quote(name)} is not part of a LoRA`);
    }
    const factors = modules.get(read.module) ?? {};
    factors[read.role] = tensor;
    modules.set(read.module, factors);
  }
  return modules;
}

function lowRank(
  module: string,
  { up, down, alpha }: Factors,
  weight: LazyTensor,
  { file, scale }: Lora,
  settings: LoraSettings,
): LowRank {
  if (up === undefined || down === undefined) {
    throw new FormatError(file, `module ${quote(module)} lacks its ${up ? 'down' : 'up'} weight`);
  }
  const [rank = 0, ...columns] = down.shape;
  const [outputs = 0, ...inner] = up.shape;
  const [rows = 0, ...rest] = weight.shape;
  const fits =
    rank > 0 &&
    elementCount(inner) === rank &&
    outputs === rows &&
    elementCount(columns) === elementCount(rest);
  if (!fits) {
    throw new FormatError(
      file,
      `module ${quote(module)} is ${up.shape.join('×')} times ${down.shape.join('×')} for a weight of ${weight.shape.join('×')}`,
    );
  }
  const strength =
    alpha === undefined ? (settings.lora_alpha ?? rank) : (floatsOf(alpha)[0] ?? rank);
  const isRootScaled = alpha === undefined && settings.use_rslora === true;
  const factor = (scale * strength) / (isRootScaled ? Math.sqrt(rank) : rank);
  const change = { up: floatsOf(up), down: floatsOf(down), rank, factor };
  if (Number.isFinite(factor) && allFinite(change.up) && allFinite(change.down)) return change;
  throw new FormatError(file, `module ${quote(module)} holds NaN or infinity: the file is damaged`);
}

const allFinite = ({ buffer, byteOffset, byteLength }: Float32Array): boolean =>
  areFinite(new Uint8Array(buffer, byteOffset, byteLength), 'F32');
