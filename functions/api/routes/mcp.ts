import { StreamableHTTPTransport } from '@hono/mcp';
import { z } from '@hono/zod-openapi';
import { authenticate } from '#functions/api/authenticate.ts';
import type { ApiApp } from '#functions/api/context.ts';
import { createMcpServer } from '#functions/api/mcp-server.ts';
import type { RouteDeps } from '#functions/api/route-deps.ts';
import { errorResponses } from '#functions/api/schemas/error.ts';

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
        content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } },
      },
    },
    responses: {
      200: {
        description: 'The JSON-RPC answer',
        content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } },
      },
      202: { description: 'A notification was taken' },
      ...errorResponses(406, 413, 415),
    },
  });
  app.all('/mcp', authenticate(deps, 'predict'), async (c) => {
    const server = createMcpServer(c, deps);
    const transport = new StreamableHTTPTransport({ enableJsonResponse: true });
    await server.connect(transport);
    const answer = await transport.handleRequest(c);
    return answer ?? c.body(null, 202);
  });
}
