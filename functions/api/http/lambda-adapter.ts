import { streamHandle } from 'hono/aws-lambda';
import { CORS_HEADERS } from '#shared/adapters/http/cors.ts';
import { defined } from '#shared/core/defined.ts';
import { errorAnswer, toAppError } from '#shared/core/error-body.ts';
import {
  AUTHORIZATION_HEADER,
  BODY_SHA256_HEADER,
  type AnswerEnd,
  type Forwarded,
  REQUEST_ID_HEADER,
} from '#shared/core/forwarded.ts';
import { PUBLIC_HOST_HEADER } from '#shared/core/public-host.ts';

/** Work that requests leave behind, which must end before Lambda freezes the process. */
export interface BackgroundWork {
  /** Takes work on; its failure is handled where it was started. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** Resolves when all of it has ended. */
  readonly settled: () => Promise<void>;
}

export function createBackgroundWork(): BackgroundWork {
  const pending = new Set<Promise<unknown>>();
  return {
    waitUntil(work) {
      const ended = work.catch(() => undefined).finally(() => pending.delete(ended));
      pending.add(ended);
    },
    settled: async () => {
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

type FetchApi = (
  request: Request,
  env: { readonly forwarded: Forwarded; readonly end: AnswerEnd },
) => Response | Promise<Response>;

export interface StreamHandlerDeps {
  /** The API; fails while it can't be put together. */
  readonly api: () => Promise<FetchApi>;
  /** Resolves when the work that requests left behind has ended. */
  readonly settled: () => Promise<void>;
  readonly onError: (error: unknown, what: string) => void;
}

/**
 * The only place that knows Hono's adapter for Lambda: a Function URL's event in, a streamed answer
 * out, because buffered ones are limited to 6 MB. What the edge found comes as headers, and the request
 * gets the host name that the client called.
 */
export function createStreamHandler(deps: StreamHandlerDeps): ReturnType<typeof streamHandle> {
  const app = {
    // Never throws: Lambda would turn an answer that has not begun into a 200.
    async fetch(request: Request): Promise<Response> {
      const listeners: (() => void)[] = [];
      const forwarded = readForwarded(request.headers);
      const end = { onAnswered: (listener: () => void) => void listeners.push(listener) };
      const answer = await answerOf(deps, request, { forwarded, end });
      return withEnd(answer, async () => {
        for (const listener of listeners) listener();
        await deps.settled();
      });
    },
  };
  return streamHandle(app as unknown as Parameters<typeof streamHandle>[0]);
}

async function answerOf(
  deps: StreamHandlerDeps,
  request: Request,
  env: Parameters<FetchApi>[1],
): Promise<Response> {
  const { requestId } = env.forwarded;
  try {
    const api = await deps.api();
    return await api(underPublicName(request), env);
  } catch (thrown) {
    deps.onError(thrown, `request ${requestId}`);
    const { status, headers, body } = errorAnswer(toAppError(thrown), requestId);
    return new Response(body, { status, headers: { ...headers, ...CORS_HEADERS } });
  }
}

function readForwarded(headers: Headers): Forwarded {
  const authorization = headers.get(AUTHORIZATION_HEADER) ?? undefined;
  const bodySha256 = headers.get(BODY_SHA256_HEADER) ?? undefined;
  return {
    requestId: headers.get(REQUEST_ID_HEADER) ?? 'req_unknown',
    ...defined({ authorization, bodySha256 }),
  };
}

function underPublicName(request: Request): Request {
  const host = request.headers.get(PUBLIC_HOST_HEADER);
  if (host === null) return request;
  const url = new URL(request.url);
  url.host = host;
  return new Request(url, request);
}

/**
 * The same answer, with something to do once its last byte has been handed over.
 *
 * Lambda's runtime sends status, headers and cookies with the first write, and Hono's adapter writes
 * something for a body that is null, and nothing for a stream that is empty: so null stays null, and a
 * stream that brought no bytes ends with a chunk of none.
 */
async function withEnd(answer: Response, atEnd: () => Promise<void>): Promise<Response> {
  if (answer.body === null) {
    await atEnd();
    return answer;
  }
  let isEmpty = true;
  const ending = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      isEmpty = false;
      controller.enqueue(chunk);
    },
    async flush(controller) {
      if (isEmpty) controller.enqueue(new Uint8Array());
      await atEnd();
    },
  });
  return new Response(answer.body.pipeThrough(ending), answer);
}
