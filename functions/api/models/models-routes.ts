import { z } from '@hono/zod-openapi';
import { ModelParams } from '#functions/api/http/common-schema.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { jsonRoute } from '#functions/api/http/json-route.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import {
  ModelPageSchema,
  ModelSchema,
  ModelVersionPageSchema,
  ModelVersionSchema,
} from './model-schema.ts';
import { createModelPresenter } from './present-model.ts';

const reader = { method: 'get', scopes: ['read', 'predict'] } as const;

/** Models, their versions, prices and input schemas; `/v1/models` reads as OpenAI's list as well. */
export const registerModels: RegisterRoutes = (app, deps) => {
  const presenter = createModelPresenter(deps);
  const find = (reference: string) => {
    const model = deps.catalog.find(reference);
    if (model === undefined) throw notFound('model', reference);
    return model;
  };
  const showModel = (c: ApiContext, reference: string) => {
    const model = find(reference);
    return {
      ...presenter.listed(model),
      id: reference,
      ...presenter.model(model, c.get('facts').origin),
    };
  };

  jsonRoute(app, deps, {
    ...reader,
    path: '/v1/models',
    operationId: 'listModels',
    summary: 'List models',
    returns: 'Every model',
    answer: ModelPageSchema,
    handle(c) {
      const { origin } = c.get('facts');
      const { models, aliases } = deps.catalog;
      return {
        next: null,
        previous: null,
        results: models.map((model) => presenter.model(model, origin)),
        object: 'list' as const,
        data: [
          ...models.map(presenter.listed),
          ...aliases.map(({ alias, model }) => ({ ...presenter.listed(model), id: alias })),
        ],
      };
    },
  });

  jsonRoute(app, deps, {
    ...reader,
    path: '/v1/models/{owner}/{name}',
    operationId: 'getModel',
    summary: 'Get a model, with its price and its latest version',
    description: "Found as `/v1/models/owner%2Fname` as well, which is how OpenAI's clients ask.",
    params: ModelParams,
    returns: 'The model',
    answer: ModelSchema,
    failures: [404],
    handle: (c, { params: { owner, name } }) => showModel(c, `${owner}/${name}`),
  });

  jsonRoute(app, deps, {
    ...reader,
    path: '/v1/models/{model}',
    operationId: 'getListedModel',
    hide: true,
    params: z.object({ model: z.string() }),
    returns: 'The model',
    answer: ModelSchema,
    handle: (c, { params: { model } }) => showModel(c, model),
  });

  jsonRoute(app, deps, {
    ...reader,
    path: '/v1/models/{owner}/{name}/versions',
    operationId: 'listModelVersions',
    summary: 'List the versions of a model',
    params: ModelParams,
    returns: 'Its versions',
    answer: ModelVersionPageSchema,
    failures: [404],
    handle(_c, { params: { owner, name } }) {
      const results = [presenter.version(find(`${owner}/${name}`))];
      return { next: null, previous: null, results };
    },
  });

  jsonRoute(app, deps, {
    ...reader,
    path: '/v1/models/{owner}/{name}/versions/{version}',
    operationId: 'getModelVersion',
    summary: 'Get a version of a model, with the schema of its input',
    params: ModelParams.extend({ version: z.string() }),
    returns: 'The version',
    answer: ModelVersionSchema,
    failures: [404],
    handle(_c, { params: { owner, name, version } }) {
      const model = find(`${owner}/${name}`);
      if (model.digest !== version) throw notFound('version', version);
      return presenter.version(model);
    },
  });
};
