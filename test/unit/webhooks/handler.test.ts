import { describe, expect, it } from 'vitest';
import { createWebhookHandler } from '#functions/webhooks/handler.ts';
import { encodeWebhookMessage } from '#shared/adapters/aws/webhook-message.ts';
import { eventEntries } from '#shared/service/domain/job-events.ts';
import type { SendOutcome } from '#shared/service/domain/webhooks/deliver.ts';
import { createMemoryOutbox } from '#test/helpers/memory-outbox.ts';
import { START, webhookJob } from '#test/unit/service/domain/webhooks/fixture.ts';

async function createScene(outcome: SendOutcome = { kind: 'answered', status: 200, headers: {} }) {
  const job = webhookJob(['completed']);
  const outbox = createMemoryOutbox();
  const [entry] = eventEntries(job, 'completed', START);
  if (entry === undefined) throw new Error('the job has no webhook');
  await outbox.add(entry);
  const sent: string[] = [];
  const errors: unknown[] = [];
  const handler = createWebhookHandler({
    delivery: {
      outbox,
      jobs: { get: async () => job },
      clock: { now: () => START },
      randomBytes: (length) => new Uint8Array(length),
      sign: () => 'v1,x',
      render: async () => ({}),
      send: async (_url, { headers }) => {
        // The earlier a webhook, the longer it takes.
        await new Promise((resolve) => setTimeout(resolve, 20 - 5 * sent.length));
        sent.push(headers['webhook-id'] ?? '');
        return outcome;
      },
    },
    onError: (error) => errors.push(error),
  });
  const record = (messageId: string, body: string) => ({ messageId, body });
  return { outbox, entry, sent, errors, handler, record };
}

describe('the queue handler', () => {
  it('delivers the entry of each message', async () => {
    const { handler, record, entry, outbox, sent } = await createScene();
    const answer = await handler({ Records: [record('1', encodeWebhookMessage(entry))] });
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(sent).toHaveLength(1);
    expect((await outbox.get(entry.id))?.deliveredAt).toBe(START);
  });

  it('ignores a message that the queue hands out a second time', async () => {
    const { handler, record, entry, sent } = await createScene({
      kind: 'answered',
      status: 500,
      headers: {},
    });
    const message = encodeWebhookMessage(entry);
    await handler({ Records: [record('1', message)] });
    await handler({ Records: [record('1', message)] });
    expect(sent).toHaveLength(1);
  });

  it('delivers those of one job in the order in which they became true, each once', async () => {
    const { handler, outbox, entry, sent, record } = await createScene();
    const earlier = (['start', 'output'] as const).flatMap((event) =>
      eventEntries(webhookJob([event]), event, START),
    );
    for (const one of earlier) await outbox.add(one);
    const entries = [...earlier, entry];
    const messages = [...entries, ...entries].reverse();
    const answer = await handler({
      Records: messages.map((one, i) => record(String(i), encodeWebhookMessage(one))),
    });
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(sent).toEqual(entries.map(({ id }) => id));
  });

  it('ignores an entry that is gone', async () => {
    const { handler, record } = await createScene();
    const body = encodeWebhookMessage({ id: 'msg_gone', attempts: 0 });
    expect(await handler({ Records: [record('1', body)] })).toEqual({ batchItemFailures: [] });
  });

  it('gives back only the message that failed by our own fault', async () => {
    const { handler, record, entry, errors } = await createScene();
    const answer = await handler({
      Records: [record('bad', 'not json'), record('good', encodeWebhookMessage(entry))],
    });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'bad' }] });
    expect(errors).toHaveLength(1);
  });
});
