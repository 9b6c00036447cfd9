import type { MiddlewareHandler } from 'hono';
import { AppError } from '#shared/core/errors.ts';
import {
  AUTHORIZATION_HEADER,
  BODY_SHA256_HEADER,
  CLIENT_ADDRESS_HEADER,
  isImageType,
  REQUEST_ID_HEADER,
} from '#shared/core/forwarded.ts';
import { createUlid } from '#shared/core/ids.ts';
import type { ApiHono, RequestFacts } from './context.ts';
import type { ApiDeps } from './deps.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Takes over what the edge found, as an object within one process and as headers over the network,
 * and the body that it has read already.
 */
export function requestFacts(
  deps: Pick<ApiDeps, 'settings' | 'clock' | 'randomBytes'>,
): MiddlewareHandler<ApiHono> {
  const newId = () => `req_${createUlid(deps.clock, deps.randomBytes)}`;
  return (c, next) => {
    const forwarded = c.env?.forwarded;
    const { headers, url } = c.req.raw;
    const facts: RequestFacts = {
      requestId: forwarded?.requestId ?? headers.get(REQUEST_ID_HEADER) ?? newId(),
      origin:
        deps.settings.publicUrl ??
        c.env?.origin ??
        url.slice(0, url.indexOf('/', url.indexOf('//') + 2)),
      authorization: forwarded
        ? forwarded.authorization
        : (headers.get(AUTHORIZATION_HEADER) ?? undefined),
      clientAddress: forwarded
        ? c.env?.clientAddress
        : (headers.get(CLIENT_ADDRESS_HEADER) ?? undefined),
      end: c.env?.end,
      bodySha256: forwarded ? forwarded.bodySha256 : (headers.get(BODY_SHA256_HEADER) ?? undefined),
    };
    c.set('facts', facts);
    if (forwarded?.body !== undefined) {
      // The cache holds promises, although its type says otherwise.
      const read = isBytes(c.req.header('content-type'))
        ? { arrayBuffer: Promise.resolve(Uint8Array.from(forwarded.body).buffer) }
        : { text: Promise.resolve(decodeText(forwarded.body)) };
      Object.assign(c.req.bodyCache, read);
    }
    return next();
  };
}

/** Pictures, and uploads to routes that take none: those are to be told so. */
const isBytes = (contentType: string | undefined): boolean =>
  isImageType(contentType) || /^multipart\//i.test(contentType ?? '');

function decodeText(body: Uint8Array): string {
  try {
    return decoder.decode(body);
  } catch (cause) {
    throw new AppError('invalid-json', 'The body is not UTF-8 text. Send JSON in UTF-8.', {
      cause,
    });
  }
}
