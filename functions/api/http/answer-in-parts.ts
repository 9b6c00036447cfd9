import { setImmediate as nextTurn } from 'node:timers/promises';
import { commonHeaders } from './answer.ts';
import type { ApiContext } from './context.ts';

/** Lines that are written in about a millisecond. */
const AT_ONCE = 500;

/** An answer that is written a few lines at a time: others have their turn in between, however many there are. */
export function answerInParts(
  c: ApiContext,
  headers: Readonly<Record<string, string>>,
  lines: Iterable<string>,
): Response {
  const parts = partsOf(lines);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: async () => void (await parts.return(undefined)),
  });
  return new Response(body, { headers: { ...commonHeaders(c), ...headers } });
}

async function* partsOf(lines: Iterable<string>): AsyncGenerator<string, undefined> {
  let part: string[] = [];
  for (const line of lines) {
    part.push(line);
    if (part.length < AT_ONCE) continue;
    yield part.join('');
    part = [];
    await nextTurn();
  }
  yield part.join('');
}
