import { commonHeaders } from '#functions/api/http/answer.ts';
import type { ApiContext } from '#functions/api/http/context.ts';
import { notFound } from '#functions/api/http/errors.ts';
import { isKnown, isRangeOfThese, type Validators } from '#functions/api/http/preconditions.ts';
import type { RegisterRoutes } from '#functions/api/http/route-deps.ts';
import { FILES_PATH, type SignedFileUrls } from '#shared/adapters/files/signed-file-urls.ts';
import { CORS_HEADERS } from '#shared/adapters/http/cors.ts';
import { AppError } from '#shared/core/errors.ts';
import type { BlobInfo, BlobStore } from '#shared/service/ports/blob-store.ts';

/** `GET /files/…`: outputs of a local folder, by URLs that this server signed. */
export function filesRoute(urls: Pick<SignedFileUrls, 'verify'>): RegisterRoutes {
  return (app, { blobs, clock }) => {
    app.get(`${FILES_PATH}*`, async (c) => {
      const key = c.req.path.slice(FILES_PATH.length);
      const url = new URL(c.req.url);
      const now = clock.now();
      const verdict = urls.verify(key, url.searchParams, now);
      if (!verdict.ok) throw refusal(verdict.reason);
      const info = await blobs.head(key);
      if (info === undefined) throw notFound('file', key);
      const validators = validatorsOf(info);
      const headers = {
        ...commonHeaders(c),
        ...CORS_HEADERS,
        'content-type': info.contentType,
        'content-disposition': `inline; filename="${verdict.filename.replaceAll(/[^\w.-]/g, '_')}"`,
        'accept-ranges': 'bytes',
        etag: validators.etag,
        'last-modified': validators.lastModified,
        'cache-control': `private, max-age=${Math.floor((verdict.expiresAt - now) / 1000)}`,
        // Whatever the bytes are, a browser must not run them as a page of this server.
        'content-security-policy': "default-src 'none'; sandbox",
        'cross-origin-resource-policy': 'cross-origin',
        'x-content-type-options': 'nosniff',
      };
      if (isKnown(c.req.raw.headers, validators)) return notModified(headers);
      const asked = isRangeOfThese(c.req.raw.headers, validators)
        ? c.req.header('range')
        : undefined;
      return await answerFile(c, blobs, info, asked, headers);
    });
  };
}

function refusal(reason: 'forged' | 'expired'): AppError {
  return reason === 'expired'
    ? new AppError('gone', 'This URL has expired. Get the prediction again for a new one.')
    : new AppError('permission-denied', 'This URL was not signed by this server.');
}

/** By length and time of writing, as nginx does: a digest would be one of the whole file. */
function validatorsOf({ sizeBytes, modifiedAt }: BlobInfo): Validators {
  return {
    etag: `"${sizeBytes.toString(36)}-${modifiedAt.toString(36)}"`,
    lastModified: new Date(modifiedAt).toUTCString(),
  };
}

/** Without what is said of a body. */
function notModified({ 'content-type': _, ...headers }: Record<string, string>): Response {
  return new Response(null, { status: 304, headers });
}

async function answerFile(
  c: ApiContext,
  blobs: BlobStore,
  info: BlobInfo,
  asked: string | undefined,
  headers: Record<string, string>,
): Promise<Response> {
  const size = info.sizeBytes;
  const range = parseRange(asked, size);
  if (range === 'unsatisfiable') {
    return new Response(null, {
      status: 416,
      headers: { ...commonHeaders(c), ...CORS_HEADERS, 'content-range': `bytes */${size}` },
    });
  }
  const length = range === undefined ? size : range.end - range.start + 1;
  const answered = {
    ...headers,
    'content-length': String(length),
    ...(range === undefined
      ? {}
      : { 'content-range': `bytes ${range.start}-${range.end}/${size}` }),
  };
  const status = range === undefined ? 200 : 206;
  if (c.req.method === 'HEAD') return new Response(null, { status, headers: answered });
  const bytes = await blobs.get(info.key, range);
  if (bytes === undefined) throw notFound('file', info.key);
  return new Response(bytes as Uint8Array<ArrayBuffer>, { status, headers: answered });
}

/**
 * The one byte range that a `Range` header asks for (inclusive). Undefined for none, for several and
 * for what can't be read: the whole file is a correct answer to those (RFC 9110 §14.2).
 */
function parseRange(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '');
  if (match === null) return undefined;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(to) < start) return undefined;
  return start >= size || start > end ? 'unsatisfiable' : { start, end };
}
