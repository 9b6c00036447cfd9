import { createRoute, type RouteConfig, type z } from '@hono/zod-openapi';
import type { Scope } from '#shared/core/account.ts';
import { defined } from '#shared/core/defined.ts';
import { answerJson } from './answer.ts';
import { admitCaller } from './authenticate.ts';
import type { ApiApp, ApiContext } from './context.ts';
import type { ApiDeps } from './deps.ts';
import { errorResponses, keyErrorResponses } from './error-schema.ts';
import { readInput, readParts } from './route-input.ts';

type NoMembers = z.ZodObject<Record<never, never>>;
type AuthDeps = Pick<ApiDeps, 'keyService' | 'rateLimiter' | 'payments'>;

/** What a route takes, and which failures its description lists. */
interface RouteSpec<Params, Query, Body>
  extends Pick<RouteConfig, 'method' | 'path' | 'summary' | 'description' | 'parameters' | 'hide'> {
  /** What generated clients call it. */
  readonly operationId: string;
  /** The caller's key needs one of these; absent: the route takes no key. */
  readonly scopes?: readonly Scope[];
  /** Whether one without an account may call it and pay, where the service sells so. */
  readonly isPayable?: boolean;
  readonly params?: Params;
  readonly query?: Query;
  readonly headers?: z.ZodObject;
  readonly body?: Body;
  /** A missing body counts as `{}`. */
  readonly bodyIsOptional?: boolean;
  /** Error statuses beside those that every route behind a key can answer with. */
  readonly failures?: readonly number[];
  /** Successful answers. */
  readonly responses?: RouteConfig['responses'];
}

/** The parts of a request, as the route's schemas have parsed them. */
interface RouteInput<Params, Query, Body> {
  readonly params: z.output<Params>;
  readonly query: z.output<Query>;
  readonly body: z.output<Body>;
}

/** Operations by name, and where their parameters are in this answer. */
export type Links = Readonly<
  Record<string, { readonly operationId: string; readonly parameters: Record<string, string> }>
>;

interface Handling<Params, Query, Body, Result> {
  /** The last member of a spec, so that its parameters get their types from the others. */
  handle(c: ApiContext, input: RouteInput<Params, Query, Body>): Result | Promise<Result>;
}

interface JsonRouteSpec<Params, Query, Body, Answer> extends RouteSpec<Params, Query, Body> {
  /** Default 200. */
  readonly status?: 200 | 201;
  readonly answer: Answer;
  /** What the answer is, for the description. */
  readonly returns: string;
  /** Calls that go on from the answer, for the description. */
  readonly links?: Links;
  /** Other media types of the same answer. */
  readonly alsoAs?: Readonly<Record<string, { readonly schema: z.ZodType }>>;
}

/**
 * Adds a route that answers with JSON of one schema. Its handler returns the body, or a whole answer
 * where that has another status or headers of its own.
 */
export function jsonRoute<
  Answer extends z.ZodType,
  Params extends z.ZodObject = NoMembers,
  Query extends z.ZodObject = NoMembers,
  Body extends z.ZodType = z.ZodUndefined,
>(
  app: ApiApp,
  deps: AuthDeps,
  spec: JsonRouteSpec<Params, Query, Body, Answer> &
    Handling<Params, Query, Body, z.input<Answer> | Response>,
): void {
  const { answer: schema, returns, status = 200, alsoAs, links, responses, handle, ...rest } = spec;
  const content = { 'application/json': { schema }, ...alsoAs };
  const described = {
    ...responses,
    [status]: { description: returns, content, ...(links && { links }) },
  };
  apiRoute<Params, Query, Body>(app, deps, {
    ...rest,
    responses: described,
    async handle(c, input) {
      const answer = await handle(c, input);
      return answer instanceof Response ? answer : answerJson(c, status, schema, answer);
    },
  });
}

/** Adds a route with any kind of answer: checks key and input, and describes it. */
export function apiRoute<
  Params extends z.ZodObject = NoMembers,
  Query extends z.ZodObject = NoMembers,
  Body extends z.ZodType = z.ZodUndefined,
>(
  app: ApiApp,
  deps: AuthDeps,
  spec: RouteSpec<Params, Query, Body> & Handling<Params, Query, Body, Response>,
): void {
  const { scopes, params, query, headers, body, bodyIsOptional = false, ...described } = spec;
  const { failures = [], responses, isPayable = false, handle, ...rest } = described;
  const sells = isPayable && deps.payments !== undefined;
  // Strict: a mistyped filter would be taken for none.
  const schemas = { params, query: query?.strict(), headers, body, bodyIsOptional };
  const { hide, ...route } = createRoute({
    ...rest,
    ...(scopes && { security: [{ key: [] }, ...(sells ? [{}] : [])] }),
    request: defined({
      params,
      query: schemas.query,
      headers,
      body: body && jsonBody(body, !bodyIsOptional),
    }),
    responses: {
      ...responses,
      ...(scopes ? keyErrorResponses(...failures) : errorResponses(...failures)),
    },
  });
  if (hide !== true) app.openAPIRegistry.registerPath(route);
  app.on(route.method, route.path.replaceAll(/\/{(.+?)}/g, '/:$1'), async (c: ApiContext) => {
    const isOffer = sells && c.get('facts').authorization === undefined;
    const admitted = scopes && !isOffer && admitCaller(c, deps, scopes);
    const refusal = admitted instanceof Promise ? await admitted : admitted;
    if (refusal) return refusal;
    const input = body === undefined ? readParts(c, schemas) : await readInput(c, schemas);
    return handle(c, input as RouteInput<Params, Query, Body>);
  });
}

function jsonBody(schema: z.ZodType, required: boolean) {
  return { required, content: { 'application/json': { schema } } };
}
