import { AppError, assert } from '#shared/core/errors.ts';
import type { Recipe } from '#shared/core/recipe.ts';
import { findWeights, openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { scaled } from '#shared/engine/checkpoint/scaled.ts';
import { singleFilePart } from '#shared/engine/checkpoint/single-file.ts';
import type { Checkpoint, LazyTensor } from '#shared/engine/checkpoint/tensor.ts';
import { unwrapped } from '#shared/engine/checkpoint/unwrapped.ts';
import type { ModelGraph } from '#shared/engine/onnx/sdxl/graphs.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import { assertCheckpoint, assertMarkers, assertUnet } from './assert-sources.ts';
import { type Lora, mergeLoras, type PartTensors } from './merge-lora.ts';
import { PARTS, type Repository, type WeightPart } from './repository.ts';
import { resolveTensors } from './resolve-tensors.ts';

/** Files that take the place of the repository's weights. */
export interface SourceFiles {
  /** A UNet checkpoint, safetensors or torch `.bin`. */
  readonly unet?: string | undefined;
  /** A checkpoint with all parts in one file, in the original layout; its parts take precedence. */
  readonly checkpoint?: string | undefined;
  /** A folder with a decoder that takes the place of the repository's VAE, and one for drafts. */
  readonly vae?: string | undefined;
  readonly draftVae?: string | undefined;
  /** Where a file came from, if its path does not say it. */
  readonly originOf?: ((file: string) => string) | undefined;
}

/** The checkpoints of all parts, opened as they are needed. */
export class SourceTensors {
  private readonly repository: Repository;
  private readonly options: SourceFiles;
  private readonly open = new Map<string, Checkpoint>();
  private found: PartTensors = new Map();
  private readonly files = new Map<string, string>();

  constructor(repository: Repository, options: SourceFiles) {
    this.repository = repository;
    this.options = options;
  }

  /** Finds everything that a graph asks for. @throws FormatError naming what is missing or wrong */
  resolve({ scopes }: ModelGraph): void {
    for (const scope of scopes) {
      const part = [...PARTS, 'draft' as const].find((known) => known === scope.part);
      assert(part !== undefined, `${scope.part} is a part of a repository`);
      const { file, checkpoint } = this.openPart(part);
      const tensors = resolveTensors(part, checkpoint, scope.asked, file);
      this.found = new Map([...this.found, [part, tensors]]);
      this.files.set(part, file);
    }
  }

  of({ source: { part, name } }: StoredTensor): LazyTensor {
    const found = this.found.get(part)?.get(name);
    assert(found !== undefined, `${name} of ${part} is resolved`);
    return found;
  }

  /** Merges adapters into what was found. */
  merge(loras: readonly Lora[]): void {
    this.found = mergeLoras(this.found, loras, (file) => this.openFile(file));
  }

  /** The file that a part was found in. */
  fileOf(part: WeightPart): string {
    return this.files.get(part) ?? part;
  }

  /** The file that the UNet comes from. */
  unetCheckpoint(): Checkpoint {
    return this.openFile(this.unetFile());
  }

  /**
   * Checks that each file is of the kind it was given as.
   *
   * @throws FormatError naming the kind it is
   */
  assertKinds(): void {
    const { unet, checkpoint } = this.options;
    if (checkpoint !== undefined) {
      assertCheckpoint(this.openFile(checkpoint), checkpoint, unet === undefined);
    }
    if (unet !== undefined) assertUnet(this.openFile(unet), unet);
  }

  /** Checks that the recipe suits the UNet. @throws FormatError naming a marker that contradicts it */
  assertRecipe(recipe: Recipe): void {
    assertMarkers(this.unetCheckpoint(), this.unetFile(), recipe);
  }

  private unetFile(): string {
    const { unet, checkpoint } = this.options;
    return unet ?? checkpoint ?? this.repository.weightsOf('unet');
  }

  /** Which file each part was found in, by where it came from. */
  parts(): Record<string, string> {
    const { originOf = (file) => file } = this.options;
    return Object.fromEntries([...this.files].map(([part, file]) => [part, originOf(file)]));
  }

  close(): void {
    for (const checkpoint of this.open.values()) checkpoint.close();
  }

  /** The part's tensors, under the names of diffusers, whichever layout their file has. */
  private openPart(part: WeightPart): { file: string; checkpoint: Checkpoint } {
    const { unet, checkpoint: whole, vae, draftVae } = this.options;
    const folder = part === 'draft' ? draftVae : part === 'vae' ? vae : undefined;
    if (folder !== undefined || part === 'draft') {
      const file = decoderWeights(folder ?? '');
      return { file, checkpoint: this.openFile(file) };
    }
    if (whole !== undefined && !(part === 'unet' && unet !== undefined)) {
      const view = singleFilePart(this.openFile(whole), part);
      if (view !== undefined) return { file: whole, checkpoint: view };
    }
    const file = part === 'unet' && unet !== undefined ? unet : this.repository.weightsOf(part);
    const checkpoint = this.openFile(file);
    return { file, checkpoint: singleFilePart(checkpoint, part) ?? checkpoint };
  }

  private openFile(file: string): Checkpoint {
    const checkpoint = this.open.get(file) ?? scaled(unwrapped(openCheckpoint(file)));
    this.open.set(file, checkpoint);
    return checkpoint;
  }
}

/** @throws AppError `file-not-found` */
function decoderWeights(folder: string): string {
  const file = findWeights(folder);
  if (file !== undefined) return file;
  throw new AppError('file-not-found', `${folder} has no weights.`);
}
