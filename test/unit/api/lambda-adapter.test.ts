import { describe, expect, it } from 'vitest';
import { createBackgroundWork, createStreamHandler } from '#functions/api/http/lambda-adapter.ts';
import { AppError } from '#shared/core/errors.ts';
import type { AnswerEnd, Forwarded } from '#shared/core/forwarded.ts';
import {
  functionUrlEvent,
  installLambdaRuntime,
  ResponseStream,
} from '#test/helpers/lambda-events.ts';

type Answer = (
  request: Request,
  forwarded: Forwarded,
  end: AnswerEnd,
) => Response | Promise<Response>;

/** Sends a request through the adapter to an API that answers so. */
function send(answer: Answer, headers: Record<string, string> = {}, body = '') {
  return sendTo(
    async () => (request, env) => answer(request, env.forwarded, env.end),
    headers,
    body,
  );
}

/** Sends a request through the adapter and reads what Lambda would stream. */
async function sendTo(
  api: Parameters<typeof createStreamHandler>[0]['api'],
  headers: Record<string, string> = {},
  body = '',
) {
  installLambdaRuntime();
  const work = createBackgroundWork();
  const errors: unknown[] = [];
  const handler = createStreamHandler({
    api,
    settled: work.settled,
    onError: (error) => errors.push(error),
  }) as unknown as (event: unknown, stream: ResponseStream, context: unknown) => Promise<void>;
  const bytes = Buffer.from(body);
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256').update(bytes).digest('hex');
  const event = functionUrlEvent(
    {
      method: body === '' ? 'GET' : 'POST',
      uri: '/v1/things',
      querystring: 'a=1&b=%20',
      headers: Object.fromEntries(
        Object.entries({ ...headers, 'x-amz-content-sha256': hash }).map(([key, value]) => [
          key,
          [{ key, value }],
        ]),
      ),
    },
    bytes,
  );
  const stream = new ResponseStream();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve) => stream.once('end', resolve));
  await handler(event, stream, {});
  await ended;
  return { head: stream.head, body: Buffer.concat(chunks), errors };
}

describe("the API behind Lambda's streamed answers", () => {
  it('sees the name that clients call, the body, and the copied authorization', async () => {
    let seen: unknown;
    await send(
      async (request, forwarded) => {
        seen = [request.url, await request.text(), forwarded.authorization];
        return new Response('ok');
      },
      { 'x-onestep-host': 'images.example.com', 'x-onestep-authorization': 'Bearer k' },
      '{"a":"ü"}',
    );
    expect(seen).toEqual([
      'https://images.example.com/v1/things?a=1&b=%20',
      '{"a":"ü"}',
      'Bearer k',
    ]);
  });

  it('believes no authorization but the copy: the other is the signature of the way here', async () => {
    let seen: unknown = 'nothing';
    await send((_, forwarded) => {
      seen = forwarded.authorization;
      return new Response('ok');
    });
    expect(seen).toBeUndefined();
  });

  it.each([204, 304])('gives a %i without content', async (status) => {
    const { head, body } = await send(
      () => new Response(null, { status, headers: { 'x-a': 'b' } }),
    );
    expect(head).toMatchObject({ statusCode: status, headers: { 'x-a': 'b' } });
    expect(body.length).toBe(0);
  });

  it.each([
    ['a redirection without a body', null],
    ['a stream that ends at once', new ReadableStream({ start: (c) => c.close() })],
    ['an empty text', ''],
  ])('gives the head of %s', async (_, content) => {
    const headers = { location: '/sign-in', 'set-cookie': 'a=1' };
    const { head, body } = await send(() => new Response(content, { status: 303, headers }));
    expect(head).toMatchObject({ statusCode: 303, headers: { location: '/sign-in' } });
    expect(head?.cookies).toEqual(['a=1']);
    expect(body.length).toBe(0);
  });

  it('gives bytes as they are, with cookies apart', async () => {
    const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i % 256);
    const { head, body } = await send(
      () =>
        new Response(bytes, {
          headers: [
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
          ],
        }),
    );
    expect(body.equals(Buffer.from(bytes))).toBe(true);
    expect(head?.cookies).toEqual(['a=1', 'b=2']);
  });

  it.each([
    ['cannot be put together', 503, new AppError('unavailable', 'The package is not there.')],
    ['has a fault', 500, new Error('of ours')],
  ])(
    'answers with our error, never with a bare 200, when the API %s',
    async (_, status, thrown) => {
      const { head, body, errors } = await sendTo(async () => {
        throw thrown;
      });
      expect(head).toMatchObject({
        statusCode: status,
        headers: { 'content-type': 'application/problem+json', 'access-control-allow-origin': '*' },
      });
      expect(JSON.parse(body.toString())).toMatchObject({ status });
      expect(body.toString()).not.toContain('of ours');
      expect(errors).toEqual([thrown]);
    },
  );

  it('tells of the end after the last byte, and waits for what was begun', async () => {
    const order: string[] = [];
    const { waitUntil, settled } = createBackgroundWork();
    installLambdaRuntime();
    const { body } = await send((_request, _forwarded, end) => {
      end.onAnswered(() => order.push('answered'));
      const stream = new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          order.push('sent');
          controller.enqueue(new TextEncoder().encode('x'));
          controller.close();
        },
      });
      return new Response(stream);
    });
    expect(body.toString()).toBe('x');
    expect(order).toEqual(['sent', 'answered']);
    waitUntil(
      new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => order.push('left behind')),
    );
    waitUntil(Promise.reject(new Error('is not its business')));
    await settled();
    expect(order.at(-1)).toBe('left behind');
  });
});
