import { join } from 'node:path';
import { z } from 'zod';
import { FORMER_RECIPE, type Recipe, RecipeSchema } from '#shared/core/recipe.ts';
import { parseFields, readJsonFile } from '#shared/engine/bytes/json.ts';

import { SizesSchema, WordsSchema } from './declaration.ts';

/**
 * A model package: one folder with a manifest, three graphs, their weights and the tokenizer files:
 * everything that turns a prompt into pixels, and nothing else.
 */

export const MANIFEST_FILE = 'manifest.json';

const Sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** A path inside the package: relative, with forward slashes and no `..`. */
const PathSchema = z
  .string()
  .regex(/^[^/\\][^\\]*$/)
  .refine((path) => path.split('/').every((part) => !['', '.', '..'].includes(part)));

const FileSchema = z.object({ sha256: Sha256Schema, bytes: z.number().int().min(0) });

const graphSchema = <I extends readonly string[], O extends readonly string[]>(
  inputs: I,
  outputs: O,
) =>
  z.object({
    file: PathSchema,
    /** The same graph for latents with fewer rows than `file` can process. */
    small: z.object({ file: PathSchema, belowRows: z.number().int().positive() }).optional(),
    /** Bytes of weights that the graph reads from other files of the package. */
    weightBytes: z.number().int().min(0),
    inputs: z.literal(inputs).array().length(inputs.length),
    // Decoders of earlier packages put out pixels alone.
    outputs: z.literal(outputs).array().min(1).max(outputs.length),
  });

/** Names of the inputs and outputs of each graph; shapes and dtypes as in {@link GraphSetSchema}. */
export const GRAPH_PORTS = {
  text: { inputs: ['ids_1', 'ids_2'], outputs: ['context', 'pooled'] },
  unet: { inputs: ['latents', 'context', 'pooled', 'time_ids'], outputs: ['x0'] },
  vae: { inputs: ['x0'], outputs: ['pixels', 'defect'] },
  draft: { inputs: ['x0'], outputs: ['pixels', 'defect'] },
} as const;

export const GRAPH_NAMES = ['text', 'unet', 'vae'] as const;
export type GraphName = (typeof GRAPH_NAMES)[number];
/** A graph of a package: one that every package has, or the draft decoder's. */
export type AnyGraphName = GraphName | 'draft';

/**
 * The three graphs, for one kind of device. Floats at the graphs' edges are float32 on every device.
 *
 * - `text`: `ids_1`, `ids_2` int32 `[N, 77]` → `context` `[N, 77, C]`, `pooled` `[N, P]`.
 * - `unet`: `latents` `[N, 4, h, w]`, standard normal, `context`, `pooled`, `time_ids` `[N or 1, 6]` →
 *   `x0` `[N, 4, h, w]`, what the recipe's step makes of them.
 * - `vae`: `x0` of one image → `pixels` uint8 `[1, H, W, 3]`, and `defect` `[1]`, 0 or NaN if a decoded
 *   value is not finite; the graph divides by the scaling factor itself.
 * - `draft`: the same by a smaller decoder, if the package has one.
 */
const GraphSetSchema = z.object({
  dialect: z.enum(['cpu-fp32', 'cpu-int8', 'cuda-fp16']),
  text: graphSchema(GRAPH_PORTS.text.inputs, GRAPH_PORTS.text.outputs),
  unet: graphSchema(GRAPH_PORTS.unet.inputs, GRAPH_PORTS.unet.outputs),
  vae: graphSchema(GRAPH_PORTS.vae.inputs, GRAPH_PORTS.vae.outputs),
  draft: graphSchema(GRAPH_PORTS.draft.inputs, GRAPH_PORTS.draft.outputs).optional(),
});
export type GraphSet = z.infer<typeof GraphSetSchema>;

/** What an import to int8 chose, by drawing and decoding with the weights at hand. */
export const Int8Schema = z.object({
  /** Layers of the UNet that stay float32, the one that suffered most first. */
  kept: z.array(z.string()),
  /**
   * Convolutions of the VAE's decoder that are int8: what each channel's values are rounded to, a
   * letter for each, from `a` for multiples of 2⁻¹² to `z` for 2¹³. None where absent.
   */
  convolutions: z.record(z.string(), z.string().regex(/^[a-z]+$/)).optional(),
  /**
   * The least likeness to float32's, in dB, of pictures that the decoder makes of the same latents with
   * all these convolutions in int8, also if that was too little; absent if it was not measured.
   */
  decoderPsnrDb: z.number().optional(),
  /** The least likeness of its pictures to float32's, in dB; absent if it was not measured. */
  psnrDb: z.number().optional(),
  /** Pixels of each side of those pictures. */
  side: z.number().int().positive().optional(),
});
/** See {@link Manifest}. */
export type Int8Choice = z.infer<typeof Int8Schema>;

const TokenizerSchema = z.object({
  /** The package's folder with the tokenizer's files. */
  folder: PathSchema,
  bosId: z.number().int().min(0),
  eosId: z.number().int().min(0),
  padId: z.number().int().min(0),
  /** Ids per prompt, including the start and end marks: 77. */
  maxLength: z.number().int().min(2),
});

export const ManifestSchema = z.object({
  format: z.literal('onestep-model/1'),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  /** The name that clients put before the model's; absent if none was given. */
  owner: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
    .optional(),
  /** The package's digest: SHA-256 over its files, see `package-digest.ts`. */
  digest: Sha256Schema,
  /**
   * Element type of the weights as stored; `int8`: of the UNet's linear layers and the decoder's
   * convolutions, the rest is float32.
   */
  dtype: z.enum(['fp32', 'fp16', 'int8']),
  /** What int8 left as it was, and what that costs. */
  int8: Int8Schema.optional(),
  graphs: z.object({ cpu: GraphSetSchema, cuda: GraphSetSchema.optional() }),
  size: z.object({
    /** The size in pixels that the model was trained on. */
    defaultWidth: z.number().int().positive(),
    defaultHeight: z.number().int().positive(),
    /** Width and height must be multiples of this, the VAE's pixels per latent. */
    multiple: z.number().int().positive(),
  }),
  vae: z.object({
    scalingFactor: z.number().positive(),
    latentChannels: z.number().int().positive(),
    /**
     * Exponents of the powers of two that divide the CUDA graph's activations, chosen when the package
     * was made: of what runs from block to block, and of what stays inside a block.
     */
    folding: z
      .object({ residual: z.number().int().min(0), inner: z.number().int().min(0) })
      .optional(),
    /** The largest activations, undivided, on which that choice is based. */
    seen: z.object({ residual: z.number().min(0), inner: z.number().min(0) }).optional(),
  }),
  /** The decoder for drafts. */
  draft: z.object({ scalingFactor: z.number().positive() }).optional(),
  text: z.object({
    contextChannels: z.number().int().positive(),
    pooledChannels: z.number().int().positive(),
    tokenizers: z.tuple([TokenizerSchema, TokenizerSchema]),
  }),
  /** How the model makes an image in one step; absent from packages before recipes. */
  recipe: RecipeSchema.optional(),
  /** Adapters merged into the weights, in order. */
  loras: z
    .array(z.object({ file: z.string(), sha256: Sha256Schema, scale: z.number() }))
    .optional(),
  /** Sizes that the model was trained on, the default first, and words: as its makers declare. */
  sizes: SizesSchema.optional(),
  words: WordsSchema.optional(),
  schedule: z.object({
    timestep: z.number().int().min(0),
    /** √ᾱ and √(1−ᾱ) at the timestep, as float32 values. */
    sqrtAlpha: z.number().positive(),
    sqrtOneMinusAlpha: z.number().positive(),
  }),
  source: z.object({
    repository: z.string(),
    unet: z.string().optional(),
    /** Which file each part's weights came from. */
    parts: z.record(z.string(), z.string()).optional(),
  }),
  licences: z.array(
    z.object({
      part: z.enum(['repository', 'unet', 'lora', 'vae']),
      name: z.string(),
      url: z.string().optional(),
    }),
  ),
  /** Every file of the package but the manifest. */
  files: z.record(PathSchema, FileSchema),
});
export type Manifest = z.infer<typeof ManifestSchema>;

/** The package's recipe: packages from before recipes are all DisBack's. */
export const recipeOf = ({ recipe = FORMER_RECIPE }: Pick<Manifest, 'recipe'>): Recipe => recipe;

/** What to tell the user about a package from before recipes. */
export const formerRecipeWarning = ({ name, recipe }: Pick<Manifest, 'name' | 'recipe'>) =>
  recipe === undefined
    ? `${name} was imported before recipes existed and is read as disback; import it again to state its recipe.`
    : undefined;

/**
 * Reads and checks the manifest of a model package without opening the files that it lists.
 *
 * @throws AppError `file-not-found` if the folder has no manifest, FormatError if it is malformed
 */
export function readManifest(folder: string): Manifest {
  const path = join(folder, MANIFEST_FILE);
  const absent = `${folder} is not a model package: it has no ${MANIFEST_FILE}. Make one with "onestep import".`;
  const advice = '; import the model again';
  const value = readJsonFile(path, absent, advice);
  return parseFields(ManifestSchema, value, path, advice);
}
