import { commonHeaders } from '#functions/api/http/answer.ts';
import { compressText } from '#functions/api/http/compress.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { describeWebhooks } from './describe-webhooks.ts';
import { TAGS, tagOf } from './tags.ts';

const DESCRIPTION = `Images from prompts, in one denoising step, paid per image.

The API speaks Replicate's dialect: \`new Replicate({ baseUrl: "<this host>/v1", auth: "<key>" })\`
works unchanged. OpenAI's images API is at \`/v1/images/generations\`, fal's at \`/fal\`, AUTOMATIC1111's
at \`/sdapi/v1\`, and agents find tools at \`/mcp\` (MCP over streamable HTTP). Amounts of money are whole millionths of a US dollar.`;

/** The description of every route that the app has so far. */
export function createOpenApiDocument(app: ApiApp, { settings }: Pick<RouteDeps, 'settings'>) {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Onestep',
      version: '1',
      description: DESCRIPTION,
    },
    servers: [{ url: settings.publicUrl ?? '/' }],
    tags: TAGS.map(({ name, description }) => ({ name, description })),
  });
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation !== undefined) operation.tags = [tagOf(path)];
    }
  }
  return document;
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

/** `GET /openapi.json`: the description of every route, made once from the routes themselves. */
export function registerOpenApi(app: ApiApp, deps: RouteDeps): void {
  describeWebhooks(app);
  let text: string | undefined;
  app.get('/openapi.json', (c) => {
    text ??= JSON.stringify(createOpenApiDocument(app, deps));
    const headers: Record<string, string> = {
      ...commonHeaders(c),
      'content-type': 'application/json',
      'cache-control': 'public, max-age=300',
      'access-control-allow-origin': '*',
    };
    return new Response(compressText(c.req.header('accept-encoding') ?? null, text, headers), {
      headers,
    });
  });
}
