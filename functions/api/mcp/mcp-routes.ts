import { z } from '@hono/zod-openapi';
import {
  createMcpHandler,
  isLegacyRequest,
  parseJSONRPCMessage,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { commonHeaders } from '#functions/api/http/answer.ts';
import { authenticate } from '#functions/api/http/authenticate.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { keyErrorResponses } from '#functions/api/http/error-schema.ts';
import type { RegisterRoutes, RouteDeps } from '#functions/api/http/route-deps.ts';
import { AppError, type ErrorCode } from '#shared/core/errors.ts';
import { createMcpServer } from './mcp-server.ts';

/** A message of the protocol, as the API's description shows it. */
const MessageSchema = z
  .looseObject({
    jsonrpc: z.literal('2.0'),
    id: z.union([z.string(), z.number()]).optional().describe('Absent in a notification'),
    method: z.string(),
    params: z.record(z.string(), z.unknown()).optional(),
  })
  .openapi('JsonRpcMessage', { example: { jsonrpc: '2.0', id: 1, method: 'tools/list' } });

/** `/mcp`: the service as tools for agents. Each call stands alone; there are no sessions. */
export const registerMcp: RegisterRoutes = (app, deps) => {
  app.openAPIRegistry.registerPath({
    method: 'post',
    path: '/mcp',
    operationId: 'callMcp',
    summary: 'Tools for agents: generate, get_prediction, list_models (MCP over streamable HTTP)',
    security: [{ key: [] }],
    request: {
      headers: z.object({
        accept: z.string().openapi({ example: 'application/json, text/event-stream' }),
      }),
      body: { required: true, content: { 'application/json': { schema: MessageSchema } } },
    },
    responses: {
      200: {
        description: 'The JSON-RPC answer',
        content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } },
      },
      202: { description: 'A notification was taken' },
      ...keyErrorResponses(406, 413, 415),
    },
  });
  app.post('/mcp', authenticate(deps, 'predict'), async (c) => {
    const parsedBody = await readMessage(c);
    const isLegacy = await isLegacyRequest(c.req.raw, parsedBody);
    const answer = await (isLegacy ? serveLegacy : serveModern)(c, deps, parsedBody);
    const refusal = REFUSALS[answer.status];
    if (refusal !== undefined) throw new AppError(...refusal);
    for (const [name, value] of Object.entries(commonHeaders(c))) answer.headers.set(name, value);
    return answer;
  });
};

const NOT_JSON = [
  'unsupported-media-type',
  'Send the body with "Content-Type: application/json".',
] as const;

/** What the protocol's library refuses before it has read a message. */
const REFUSALS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  406: ['not-acceptable', 'Accept must name application/json and text/event-stream.'],
  415: NOT_JSON,
};

/** The protocol since its revision of 2026: each request says for itself what its client can do. */
function serveModern(c: ApiContext, deps: RouteDeps, parsedBody: unknown): Promise<Response> {
  const handler = createMcpHandler(() => createMcpServer(c, deps), {
    legacy: 'reject',
    // The tools never change, so no stream of changes is held open.
    maxSubscriptions: 0,
  });
  return handler.fetch(c.req.raw, { parsedBody });
}

/** The protocol before that: without a session, and each request answered with one JSON body. */
async function serveLegacy(c: ApiContext, deps: RouteDeps, parsedBody: unknown): Promise<Response> {
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await createMcpServer(c, deps).connect(transport);
  return transport.handleRequest(c.req.raw, { parsedBody });
}

/**
 * @throws AppError `unsupported-media-type`; `invalid-json`; `invalid-request` for JSON that is no
 *   message of the protocol, or several: a batch would pass the key's rate limit as one request, and
 *   make one order of all that share its `Idempotency-Key`
 */
async function readMessage(c: ApiContext): Promise<unknown> {
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
    throw new AppError(...NOT_JSON);
  }
  let body: unknown;
  try {
    body = await c.req.json();
  } catch (cause) {
    throw new AppError('invalid-json', 'The body is not valid JSON.', { cause });
  }
  if (Array.isArray(body)) {
    throw new AppError('invalid-request', 'Send each JSON-RPC message by itself: no batches.');
  }
  try {
    parseJSONRPCMessage(body);
  } catch (cause) {
    throw new AppError('invalid-request', 'The body is not a JSON-RPC 2.0 message.', { cause });
  }
  return body;
}
