import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Sns } from '#test/stand-ins/sns.ts';
import type { EnvironmentOptions } from './environment.ts';
import { FunctionError } from './environment.ts';
import { runFunction } from './running-function.ts';

export interface AsynchronousOptions extends EnvironmentOptions {
  readonly sns: Sns;
  /** Where the records of its ends go. */
  readonly successTopic: string;
  readonly errorTopic: string;
  readonly maxConcurrency: number;
}

/** A function behind Lambda's own API, invoked asynchronously. */
export interface AsynchronousFunction {
  readonly url: string;
  /** How often it was invoked, and how many of those there were at one time. */
  readonly invocations: () => number;
  readonly mostAtOnce: () => number;
  /** Waits until every invocation has ended and was told of. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * `Invoke` with the type `Event`: taken at once, run once (`MaximumRetryAttempts` 0), and told of at one of
 * two destinations, in the records that Lambda's documentation shows.
 */
export async function startAsynchronousFunction(
  options: AsynchronousOptions,
): Promise<AsynchronousFunction> {
  const running = runFunction(options, options.maxConcurrency);
  const open = new Set<Promise<void>>();
  let invocations = 0;
  let most = 0;

  const run = async (payload: unknown): Promise<void> => {
    const base = {
      version: '1.0',
      timestamp: new Date().toISOString(),
      requestContext: {
        requestId: randomUUID(),
        functionArn: `arn:aws:lambda:us-east-1:123456789012:function:${options.fn.name}:$LATEST`,
        approximateInvokeCount: 1,
      },
      requestPayload: payload,
    };
    const publish = (topic: string, condition: string, functionError?: string, body?: unknown) =>
      options.sns.publish(
        topic,
        JSON.stringify({
          ...base,
          requestContext: { ...base.requestContext, condition },
          responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError },
          responsePayload: body,
        }),
      );
    try {
      const answer = await running.invoke(payload);
      const body = JSON.parse(await text(answer.body));
      await publish(options.successTopic, 'Success', undefined, body);
    } catch (error) {
      const { type, message } =
        error instanceof FunctionError ? error : new FunctionError('Error', String(error));
      const failure = { errorType: type, errorMessage: message };
      await publish(options.errorTopic, 'RetriesExhausted', 'Unhandled', failure);
    }
  };

  const server = createServer((request, response) => {
    receive(request).then(
      (payload) => {
        invocations += 1;
        const work: Promise<void> = run(payload).finally(() => open.delete(work));
        open.add(work);
        most = Math.max(most, open.size);
        response.writeHead(202, { 'x-amzn-requestid': randomUUID() }).end();
      },
      (error: unknown) => response.writeHead(400).end(String(error)),
    );
  });
  const receive = async (request: IncomingMessage): Promise<unknown> => {
    const path = `/2015-03-31/functions/${options.fn.name}/invocations`;
    const type = request.headers['x-amz-invocation-type'];
    if (request.method !== 'POST' || request.url !== path || type !== 'Event') {
      throw new Error(`Not expected: ${request.method} ${request.url} ${type}`);
    }
    return JSON.parse(await text(request));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    invocations: () => invocations,
    mostAtOnce: () => most,
    async idle() {
      while (open.size > 0) await Promise.all(open);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await running.stop();
      await Promise.allSettled(open);
    },
  };
}
