import { StreamableHTTPTransport } from '@hono/mcp';
import type { RouteDeps } from '#functions/api/app.ts';
import { authenticate } from '#functions/api/authenticate.ts';
import type { ApiApp } from '#functions/api/context.ts';
import { createMcpServer } from '#functions/api/mcp-server.ts';

/** `/mcp`: the service as tools for agents. Each call stands alone; there are no sessions. */
export function registerMcp(app: ApiApp, deps: RouteDeps): void {
  app.all('/mcp', authenticate(deps, 'predict'), async (c) => {
    const server = createMcpServer(c, deps);
    const transport = new StreamableHTTPTransport({ enableJsonResponse: true });
    await server.connect(transport);
    const answer = await transport.handleRequest(c);
    return answer ?? c.body(null, 202);
  });
}
