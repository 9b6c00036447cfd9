import type { z } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import type { ApiContext } from './context.ts';
import { rejectInvalid } from './errors.ts';

const JSON_TYPE = /^application\/([a-z.-]+\+)?json *(;\s*[a-zA-Z0-9-]+=[^;]+)*;?$/i;

/** The schemas of what a route takes; those it leaves out are not read. */
export interface InputSchemas {
  readonly query?: z.ZodType | undefined;
  readonly params?: z.ZodType | undefined;
  readonly headers?: z.ZodType | undefined;
  readonly body?: z.ZodType | undefined;
  /** A missing body counts as `{}`. */
  readonly bodyIsOptional: boolean;
}

export interface ParsedParts {
  readonly query: unknown;
  readonly params: unknown;
  readonly body: unknown;
}

/**
 * What a request gives to a route, checked. The router's own validators would do it too, as four more
 * layers around each route; most of a read's time went by in those.
 *
 * @throws AppError `invalid-request`, `invalid-input`; HTTPException 400 for a body that is not JSON,
 *   415 for one that does not say that it is
 */
export async function readInput(c: ApiContext, schemas: InputSchemas): Promise<ParsedParts> {
  const { body } = schemas;
  const parts = readParts(c, schemas);
  return body === undefined ? parts : { ...parts, body: await readJson(c, body, schemas) };
}

/** As {@link readInput}, for routes without a body. */
export function readParts(
  c: ApiContext,
  { query, params, headers }: InputSchemas,
): ParsedParts & { body: undefined } {
  const parsed = {
    query: query && parse('query', query, queryOf(c)),
    params: params && parse('param', params, c.req.param()),
    body: undefined,
  };
  if (headers !== undefined) parse('header', headers, c.req.header());
  return parsed;
}

async function readJson(
  c: ApiContext,
  schema: z.ZodType,
  { bodyIsOptional }: InputSchemas,
): Promise<unknown> {
  const type = c.req.header('content-type');
  const isJson = type !== undefined && JSON_TYPE.test(type);
  // What has a body has to say what it is: a form would be taken for an empty order.
  if (!isJson && (type !== undefined || (await c.req.arrayBuffer()).byteLength > 0)) {
    throw new HTTPException(415);
  }
  if (!isJson && bodyIsOptional) return parse('json', schema, {});
  return parse('json', schema, isJson ? await parseJson(c) : {});
}

async function parseJson(c: ApiContext): Promise<unknown> {
  try {
    return await c.req.json();
  } catch {
    throw new HTTPException(400);
  }
}

/** A parameter that is given twice is a list. */
function queryOf(c: ApiContext): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [name, values] of Object.entries(c.req.queries())) {
    given[name] = values.length === 1 ? values[0] : values;
  }
  return given;
}

function parse(target: string, schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value);
  if (!result.success) rejectInvalid({ ...result, target });
  return result.data;
}
