import { createRoute, z } from '@hono/zod-openapi';
import { answerJson } from '#functions/api/http/answer.ts';
import { authenticate } from '#functions/api/http/authenticate.ts';
import type { ApiApp, ApiContext } from '#functions/api/http/context.ts';
import { errorResponses } from '#functions/api/http/error-schema.ts';
import { notFound } from '#functions/api/http/errors.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { ListedModelSchema, ModelSchema, ModelVersionSchema } from './model-schema.ts';
import { createModelPresenter } from './present-model.ts';

const json = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
});
const security = [{ key: [] }];
const params = z.object({ owner: z.string(), name: z.string() });
const page = <Schema extends z.ZodType>(schema: Schema) =>
  z.object({
    next: z.string().nullable(),
    previous: z.string().nullable(),
    results: z.array(schema),
  });

const ModelPageSchema = page(ModelSchema)
  .extend({
    object: z.literal('list'),
    data: z.array(ListedModelSchema),
  })
  .openapi('ModelPage');

/** Models, their versions, prices and input schemas; `/v1/models` reads as OpenAI's list as well. */
export function registerModels(app: ApiApp, deps: RouteDeps): void {
  const middleware = [authenticate(deps, 'read', 'predict')];
  const presenter = createModelPresenter(deps);
  const find = (reference: string) => {
    const model = deps.catalog.find(reference);
    if (model === undefined) throw notFound('model', reference);
    return model;
  };

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/models',
      summary: 'List models',
      security,
      middleware,
      responses: { 200: json('Every model', ModelPageSchema), ...errorResponses() },
    }),
    (c) => {
      const { origin } = c.get('facts');
      const { models } = deps.catalog;
      return answerJson(c, 200, {
        next: null,
        previous: null,
        results: models.map((model) => presenter.model(model, origin)),
        object: 'list' as const,
        data: models.map(presenter.listed),
      });
    },
  );

  const answerModel = (c: ApiContext, reference: string) => {
    const model = find(reference);
    const { origin } = c.get('facts');
    return answerJson(c, 200, { ...presenter.listed(model), ...presenter.model(model, origin) });
  };
  const responses = { 200: json('The model', ModelSchema), ...errorResponses(404) };

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/models/{owner}/{name}',
      summary: 'Get a model, with its price and its latest version',
      description: "Found as `/v1/models/owner%2Fname` as well, which is how OpenAI's clients ask.",
      security,
      middleware,
      request: { params },
      responses,
    }),
    (c) => {
      const { owner, name } = c.req.valid('param');
      return answerModel(c, `${owner}/${name}`);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/models/{model}',
      hide: true,
      middleware,
      request: { params: z.object({ model: z.string() }) },
      responses,
    }),
    (c) => answerModel(c, c.req.valid('param').model),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/models/{owner}/{name}/versions',
      summary: 'List the versions of a model',
      security,
      middleware,
      request: { params },
      responses: { 200: json('Its versions', page(ModelVersionSchema)), ...errorResponses(404) },
    }),
    (c) => {
      const { owner, name } = c.req.valid('param');
      const results = [presenter.version(find(`${owner}/${name}`))];
      return answerJson(c, 200, { next: null, previous: null, results });
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/models/{owner}/{name}/versions/{version}',
      summary: 'Get a version of a model, with the schema of its input',
      security,
      middleware,
      request: { params: params.extend({ version: z.string() }) },
      responses: { 200: json('The version', ModelVersionSchema), ...errorResponses(404) },
    }),
    (c) => {
      const { owner, name, version } = c.req.valid('param');
      const model = find(`${owner}/${name}`);
      if (model.digest !== version) throw notFound('version', version);
      return answerJson(c, 200, presenter.version(model));
    },
  );
}
