import { StreamableHTTPTransport } from '@hono/mcp';
import { z } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { authenticate } from '#functions/api/http/authenticate.ts';
import type { ApiApp, ApiContext } from '#functions/api/http/context.ts';
import { keyErrorResponses } from '#functions/api/http/error-schema.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { AppError } from '#shared/core/errors.ts';
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
export function registerMcp(app: ApiApp, deps: RouteDeps): void {
  app.openAPIRegistry.registerPath({
    method: 'post',
    path: '/mcp',
    summary: 'Tools for agents: generate, get_prediction, list_models (MCP over streamable HTTP)',
    security: [{ key: [] }],
    request: {
      body: {
        required: true,
        content: { 'application/json': { schema: MessageSchema } },
      },
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
    const server = createMcpServer(c, deps);
    const transport = new StreamableHTTPTransport({ enableJsonResponse: true });
    await server.connect(transport);
    try {
      const answer = await transport.handleRequest(c);
      return answer ?? c.body(null, 202);
    } catch (thrown) {
      throw isBadMessage(thrown) ? await badMessage(c) : thrown;
    }
  });
}

function isBadMessage(thrown: unknown): boolean {
  return thrown instanceof HTTPException && thrown.status === 400;
}

/** What is wrong with a body that the protocol's library refused. */
async function badMessage(c: ApiContext): Promise<AppError> {
  const isJson = await c.req.json().then(
    () => true,
    () => false,
  );
  return isJson
    ? new AppError('invalid-request', 'The body is not a JSON-RPC 2.0 message.')
    : new AppError('invalid-json', 'The body is not valid JSON.');
}
