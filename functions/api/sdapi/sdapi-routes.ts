import { z } from '@hono/zod-openapi';
import { callerOf } from '#functions/api/http/authenticate.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { ENDING_STATUSES } from '#functions/api/http/error-schema.ts';
import { invalidInput } from '#functions/api/http/errors.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes, RouteDeps } from '#functions/api/http/route-deps.ts';
import { chooseModel } from '#functions/api/predictions/choose-model.ts';
import { finishedJob } from '#functions/api/predictions/finished-job.ts';
import { basicCredentials } from '#shared/adapters/http/authorization.ts';
import { isTerminal, type Job } from '#shared/core/job.ts';
import type { CatalogModel } from '#shared/service/domain/catalog.ts';
import { presentSdModel, presentSdProgress, presentTxt2Img, samplerOf } from './present-sdapi.ts';
import { toSdapiInput } from './sdapi-input.ts';
import {
  SdModelSchema,
  SdNamedSchema,
  SdOptionsSchema,
  SdProgressSchema,
  SdSamplerSchema,
  SetSdOptionsSchema,
  Txt2ImgResultSchema,
  Txt2ImgSchema,
} from './sdapi-schema.ts';

/** How many of an account's newest jobs are looked through for open ones. */
const NEWEST = 100;

/**
 * AUTOMATIC1111's `sdapi/v1`, which chat programs speak to a server of their own. What is one state
 * for all there is each API key's own here: its open jobs. No options are kept, so the user name of
 * the Basic header may name the model.
 */
export const registerSdapi: RegisterRoutes = (app, deps) => {
  registerTxt2Img(app, deps);
  registerOpenJobs(app, deps);
  registerOptions(app, deps);
  registerLists(app, deps);
};

const registerTxt2Img: RegisterRoutes = (app, deps) =>
  jsonRoute(app, deps, {
    method: 'post',
    path: '/sdapi/v1/txt2img',
    operationId: 'sdTxt2Img',
    scopes: ['predict'],
    summary: 'Make images as AUTOMATIC1111’s API does',
    body: Txt2ImgSchema,
    returns: 'The images',
    answer: Txt2ImgResultSchema,
    failures: [402, 413, 415, 422, ...ENDING_STATUSES],
    async handle(c, { body }) {
      const wanted = body.override_settings?.sd_model_checkpoint;
      const model = wanted
        ? chooseModel(deps.catalog, wanted, 'override_settings.sd_model_checkpoint')
        : currentModel(c, deps);
      const { input, warnings } = toSdapiInput(body, model);
      const submitted = await deps.intake.submit(c, {
        model,
        dialect: 'sdapi',
        route: 'sdapi/txt2img',
        input,
        inputPath: [],
        cannotPoll: true,
      });
      const job = await finishedJob(c, deps, submitted.job);
      const withImages = body.send_images !== false;
      return presentTxt2Img(deps, job, model, { warnings, withImages });
    },
  });

const registerOpenJobs: RegisterRoutes = (app, deps) => {
  jsonRoute(app, deps, {
    method: 'get',
    path: '/sdapi/v1/progress',
    operationId: 'sdGetProgress',
    scopes: ['read', 'predict'],
    summary: 'Get the progress of this API key’s latest txt2img',
    query: z.object({ skip_current_image: z.string().optional() }),
    returns: 'The progress',
    answer: SdProgressSchema,
    async handle(c) {
      const open = await openJobs(c, deps);
      const [job] = open;
      const estimate = job && (await deps.estimator.estimate(job));
      return presentSdProgress(job, estimate, open.length);
    },
  });

  jsonRoute(app, deps, {
    method: 'post',
    path: '/sdapi/v1/interrupt',
    operationId: 'sdInterrupt',
    scopes: ['predict'],
    summary: 'Cancel this API key’s open txt2img calls',
    returns: 'Nothing',
    answer: z.object({}),
    async handle(c) {
      const open = await openJobs(c, deps);
      const { runningCancelsPerHour } = deps.settings;
      await Promise.all(open.map(({ id }) => deps.settlement.cancelJob(id, runningCancelsPerHour)));
      return {};
    },
  });
};

const registerOptions: RegisterRoutes = (app, deps) => {
  jsonRoute(app, deps, {
    method: 'get',
    path: '/sdapi/v1/options',
    operationId: 'sdGetOptions',
    scopes: ['read', 'predict'],
    summary: 'Get the model that txt2img uses',
    returns: 'The options',
    answer: SdOptionsSchema,
    handle(c) {
      const { title, hash } = presentSdModel(currentModel(c, deps));
      return {
        sd_model_checkpoint: title,
        sd_checkpoint_hash: hash,
        samples_format: 'png' as const,
      };
    },
  });

  jsonRoute(app, deps, {
    method: 'post',
    path: '/sdapi/v1/options',
    operationId: 'sdSetOptions',
    scopes: ['predict'],
    summary: 'Check options; none are stored, and another model is refused',
    body: SetSdOptionsSchema,
    bodyIsOptional: true,
    returns: 'null',
    answer: z.unknown(),
    failures: [415, 422],
    handle(c, { body: { sd_model_checkpoint: wanted } }) {
      if (!wanted) return null;
      const current = currentModel(c, deps);
      if (chooseModel(deps.catalog, wanted, 'sd_model_checkpoint') !== current) {
        const message = `is not kept: name the model in each txt2img (override_settings.sd_model_checkpoint), or as the user name before the API key; it is ${current.name} now`;
        throw invalidInput([{ path: 'sd_model_checkpoint', message }]);
      }
      return null;
    },
  });
};

const registerLists: RegisterRoutes = (app, deps) => {
  const { models } = deps.catalog;
  const samplers = [...new Set(models.map(samplerOf))];

  const list = <Entry extends z.ZodType>(
    name: string,
    operationId: string,
    summary: string,
    entry: Entry,
    entries: z.input<Entry>[],
  ): void =>
    jsonRoute(app, deps, {
      method: 'get',
      path: `/sdapi/v1/${name}`,
      operationId,
      scopes: ['read', 'predict'],
      summary,
      returns: 'All there are',
      answer: z.array(entry),
      handle: () => entries as never,
    });

  list(
    'sd-models',
    'sdListModels',
    'List the models as checkpoints',
    SdModelSchema,
    models.map(presentSdModel),
  );
  list(
    'samplers',
    'sdListSamplers',
    'List the samplers; each model has its own',
    SdSamplerSchema,
    samplers.map((name) => ({ name, aliases: [name.toLowerCase()], options: {} })),
  );
  list('schedulers', 'sdListSchedulers', 'List the noise schedules', SdNamedSchema, [
    { name: 'Automatic' },
  ]);
  list('upscalers', 'sdListUpscalers', 'List the upscalers: there are none', SdNamedSchema, [
    { name: 'None' },
  ]);
  list(
    'latent-upscale-modes',
    'sdListLatentUpscalers',
    'List the latent upscalers: there are none',
    SdNamedSchema,
    [],
  );
  list('sd-vae', 'sdListDecoders', 'List other decoders: there are none', SdNamedSchema, []);
};

/** The model that the user name of the Basic header names, or the first. */
function currentModel(c: ApiContext, { catalog }: Pick<RouteDeps, 'catalog'>): CatalogModel {
  const user = basicCredentials(c.get('facts').authorization ?? '')?.user ?? '';
  return catalog.resolve(user) ?? chooseModel(catalog, undefined);
}

/** What the caller's key has open in this dialect, newest first. */
async function openJobs(c: ApiContext, deps: Pick<RouteDeps, 'jobs'>): Promise<readonly Job[]> {
  const { key, account } = callerOf(c);
  const jobs = await deps.jobs.list({ account: account.id, limit: NEWEST });
  return jobs.filter(
    (job) => job.key === key.id && job.dialect === 'sdapi' && !isTerminal(job.status),
  );
}
