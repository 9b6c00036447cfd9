import { commonHeaders } from '#functions/api/answer.ts';
import type { RouteDeps } from '#functions/api/app.ts';
import type { ApiApp } from '#functions/api/context.ts';

const DESCRIPTION = `Images from prompts, in one denoising step, paid per image.

The API speaks Replicate's dialect: \`new Replicate({ baseUrl: "<this host>/v1", auth: "<key>" })\`
works unchanged. Amounts of money are whole millionths of a US dollar.`;

/** `GET /openapi.json`: the description of every route, made once from the routes themselves. */
export function registerOpenApi(app: ApiApp, deps: RouteDeps): void {
  let text: string | undefined;
  app.get('/openapi.json', (c) => {
    text ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: { title: 'Onestep', version: '1', description: DESCRIPTION },
        servers: [{ url: deps.settings.publicUrl ?? '/' }],
      }),
    );
    return new Response(text, {
      headers: {
        ...commonHeaders(c),
        'content-type': 'application/json',
        'cache-control': 'public, max-age=300',
        'access-control-allow-origin': '*',
      },
    });
  });
}
