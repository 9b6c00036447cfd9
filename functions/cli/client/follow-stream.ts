import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { AppError } from '#shared/core/errors.ts';

export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** Pause before a broken stream is resumed, and the most attempts in a row. */
const RETRY_MS = 500;
const RETRIES = 10;

/**
 * The events of a prediction's stream until `done`. A stream that breaks off, or that the service ends
 * because it is long, is resumed after the last event seen.
 *
 * @throws AppError `unavailable` when it can't be resumed
 */
export async function* followStream(
  url: string,
  signal: AbortSignal,
  send: typeof fetch = fetch,
): AsyncGenerator<StreamEvent> {
  let lastId: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const response = await send(url, {
        headers: lastId === undefined ? {} : { 'last-event-id': lastId },
        signal,
      });
      if (response.status === 404) throw new AppError('not-found', 'The prediction has no stream.');
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
      for await (const { id, event = 'message', data } of parseEvents(response.body)) {
        failures = 0;
        lastId = id ?? lastId;
        yield { event, data };
        if (event === 'done') return;
      }
    } catch (cause) {
      if (signal.aborted) return;
      failures += 1;
      if (cause instanceof AppError || failures > RETRIES) throw unavailable(cause);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function* parseEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<EventSourceMessage, void> {
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* events.splice(0);
  }
}

function unavailable(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  return new AppError('unavailable', 'The stream broke off and could not be resumed.', { cause });
}
