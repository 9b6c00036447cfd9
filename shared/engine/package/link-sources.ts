import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { LazyTensor } from '#shared/engine/checkpoint/tensor.ts';
import type { Place } from '#shared/engine/onnx/model-proto.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import type { PackageWriter } from './package-writer.ts';

const DTYPE = { FLOAT: 'F32', FLOAT16: 'F16', INT8: 'I8' } as const;

/**
 * Source files that a package shares instead of copying their tensors. They are hard links:
 * onnxruntime refuses symbolic ones that lead out of a model's folder.
 */
export class LinkedSources {
  private readonly names = new Map<string, string>();

  /** Where a stored tensor lies in a linked file, or undefined if it must be converted or moved. */
  place(tensor: StoredTensor, source: LazyTensor): Place | undefined {
    const fits =
      tensor.compute === undefined &&
      source.dtype === DTYPE[tensor.type] &&
      source.offset !== undefined;
    if (!fits || source.offset === undefined) return undefined;
    return { file: this.nameOf(realpathSync(source.file)), offset: source.offset };
  }

  /** Links every file that a place refers to into the package. */
  async writeTo(writer: PackageWriter): Promise<void> {
    for (const [file, name] of this.names) await writer.link(name, file);
  }

  private nameOf(file: string): string {
    const known = this.names.get(file);
    if (known !== undefined) return known;
    const name = `linked/${this.names.size}-${basename(file)}`;
    this.names.set(file, name);
    return name;
  }
}
