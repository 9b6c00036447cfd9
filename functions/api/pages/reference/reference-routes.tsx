import { createHash } from 'node:crypto';
import { commonHeaders } from '#functions/api/http/answer.ts';
import type { ApiApp } from '#functions/api/http/context.ts';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { createOpenApiDocument } from './openapi-routes.ts';
import { ReferencePage } from './reference-page.tsx';
import { REFERENCE_STYLE } from './reference-style.ts';

const STYLE_HASH = `sha256-${createHash('sha256').update(REFERENCE_STYLE).digest('base64')}`;

/** `GET /docs`: the API reference for people, from the same source as `/openapi.json`. */
export function registerReference(app: ApiApp, deps: RouteDeps): void {
  let text: string | undefined;
  app.get('/docs', async (c) => {
    text ??= String(
      // The page reads a part of the document, as JSON; the library's type for it is wider.
      await ReferencePage({
        document: JSON.parse(JSON.stringify(createOpenApiDocument(app, deps))),
        script: (await deps.pageAssets?.())?.script.path,
      }),
    );
    return new Response(text, {
      headers: {
        ...commonHeaders(c),
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'public, max-age=300',
        'content-security-policy': `default-src 'none'; script-src 'self'; connect-src 'self'; style-src '${STYLE_HASH}'; img-src data:; frame-ancestors 'none'; base-uri 'none'`,
      },
    });
  });
}
