import type { z } from '@hono/zod-openapi';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { imageBase64 } from '#functions/api/openai/present-openai.ts';
import { toIso } from '#shared/core/clock.ts';
import { type Job, runsOf } from '#shared/core/job.ts';
import type { CatalogModel } from '#shared/service/domain/catalog.ts';
import type { Estimate } from '#shared/service/domain/estimator.ts';
import type {
  SdInfo,
  SdModelSchema,
  SdParameters,
  SdProgressSchema,
  Txt2ImgResultSchema,
} from './sdapi-schema.ts';

/** A short hash, as AUTOMATIC1111 shows a checkpoint's. */
const HASH_DIGITS = 10;

/** The sampler of a model's recipe by the name that AUTOMATIC1111 gives it. */
const SAMPLERS: Record<CatalogModel['recipe']['scheduler'], string> = {
  lcm: 'LCM',
  tcd: 'TCD',
  euler: 'Euler',
};

export const samplerOf = (model: CatalogModel): string => SAMPLERS[model.recipe.scheduler];

/** A model as a checkpoint. Its title is what clients send back to choose it. */
export const presentSdModel = (model: CatalogModel): z.input<typeof SdModelSchema> => ({
  title: model.name,
  model_name: model.name,
  hash: model.digest.slice(0, HASH_DIGITS),
  sha256: model.digest,
  filename: model.name,
  config: null,
});

/** A succeeded job as `txt2img` answers. */
export async function presentTxt2Img(
  deps: Pick<RouteDeps, 'blobs'>,
  job: Job,
  model: CatalogModel,
  { warnings, withImages }: { readonly warnings: readonly string[]; readonly withImages: boolean },
): Promise<z.input<typeof Txt2ImgResultSchema>> {
  const images = withImages
    ? await Promise.all(job.images.map((image) => imageBase64(deps, image)))
    : [];
  const drawn: SdParameters = {
    prompt: job.input?.prompt ?? '',
    negative_prompt: '',
    seed: job.images[0]?.seed ?? job.input?.seed ?? 0,
    width: job.input?.width ?? 0,
    height: job.input?.height ?? 0,
    sampler_name: samplerOf(model),
    cfg_scale: 1,
    steps: 1,
    batch_size: job.images.length,
  };
  const seeds = job.images.map(({ seed }) => seed);
  const info: SdInfo = {
    ...drawn,
    all_prompts: seeds.map(() => drawn.prompt),
    all_negative_prompts: seeds.map(() => ''),
    all_seeds: seeds,
    sd_model_name: model.name,
    sd_model_hash: model.digest.slice(0, HASH_DIGITS),
    infotexts: seeds.map((seed) => infoText(drawn, seed, model)),
    index_of_first_image: 0,
    styles: [],
    job_timestamp: timestampOf(job),
    version: job.receipt?.versions['onestep'] ?? '',
    prediction: job.id,
    cost_micro_usd: job.cost ?? 0,
    warnings: [...warnings, ...job.warnings],
  };
  return { images, parameters: drawn, info: JSON.stringify(info) };
}

/** The lines that AUTOMATIC1111 writes into its PNG files. */
function infoText(
  { prompt, steps, sampler_name, cfg_scale, width, height }: SdParameters,
  seed: number,
  model: CatalogModel,
): string {
  const facts = {
    Steps: steps,
    Sampler: sampler_name,
    'CFG scale': cfg_scale,
    Seed: seed,
    Size: `${width}x${height}`,
    'Model hash': model.digest.slice(0, HASH_DIGITS),
    Model: model.name,
  };
  const list = Object.entries(facts).map(([name, value]) => `${name}: ${value}`);
  return `${prompt}\n${list.join(', ')}`;
}

/** How far the caller's newest open job is; without one, an idle server's answer. */
export function presentSdProgress(
  job: Job | undefined,
  estimate: Estimate | undefined,
  waiting: number,
): z.input<typeof SdProgressSchema> {
  const total = job?.input?.num_outputs ?? 1;
  const done = estimate?.imagesDone ?? 0;
  const isRunning = job !== undefined && runsOf(job) > 0;
  return {
    // Never 0 while there is something to wait for: clients take that for an idle server.
    progress: job === undefined ? 0 : Math.max(0.01, done / total),
    eta_relative: estimate?.etaSeconds ?? 0,
    state: {
      skipped: false,
      interrupted: job?.cancelRequestedAt !== undefined,
      stopping_generation: job?.cancelRequestedAt !== undefined,
      job: job?.id ?? '',
      job_count: waiting,
      job_timestamp: job === undefined ? '0' : timestampOf(job),
      job_no: 0,
      sampling_step: 0,
      sampling_steps: isRunning ? 1 : 0,
    },
    current_image: null,
    textinfo: estimate?.phase ?? null,
  };
}

/** `20261123195049`. */
const timestampOf = (job: Job): string => toIso(job.createdAt).replace(/\D/g, '').slice(0, 14);
