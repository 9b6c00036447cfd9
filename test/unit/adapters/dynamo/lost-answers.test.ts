import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDynamoStores, type DynamoStores } from '#shared/adapters/dynamo/dynamo-stores.ts';
import type { Job } from '#shared/core/job.ts';
import { createCountedBytes } from '#test/helpers/counted-bytes.ts';
import { createMemoryDynamo } from '#test/helpers/memory-dynamo/memory-dynamo.ts';
import { tableOver } from '#test/helpers/memory-dynamo/open-memory-table.ts';
import { fund, KEY, MODEL, NOW, PRICE, sampleAdmission } from '#test/helpers/samples.ts';

/** The answer to every call gets lost once, and the SDK sends it again: a transaction under its token. */
describe('calls that are sent twice', () => {
  let stores: DynamoStores;
  let job: Job;

  beforeEach(async () => {
    const service = createMemoryDynamo({ now: () => NOW });
    let tokens = 0;
    const send = async (command: unknown) => {
      const sent =
        command instanceof TransactWriteCommand
          ? new TransactWriteCommand({ ClientRequestToken: `t${tokens++}`, ...command.input })
          : command;
      await service.send(sent).catch(() => undefined);
      return service.send(sent);
    };
    const deps = { clock: { now: () => NOW }, randomBytes: createCountedBytes(), waitingLineMs: 0 };
    stores = createDynamoStores({ table: tableOver(send), ...deps });
    await fund(stores.ledger, 10 * PRICE);
    const webhook = { url: 'https://example.com/', events: ['completed'] } as const;
    const admission = sampleAdmission({ webhook });
    const outbox = [
      {
        id: 'one',
        account: admission.job.account,
        job: admission.job.id,
        event: 'start',
        url: webhook.url,
        createdAt: NOW,
        nextAttemptAt: NOW,
        attempts: 0,
      },
    ] as const;
    const admitted = await stores.jobs.admit({ ...admission, outbox });
    if (admitted.outcome !== 'admitted') throw new Error(admitted.outcome);
    job = admitted.job;
  });

  it('give an order that is asked for again its job', async () => {
    const taken = await stores.jobs.takeUnanswered(KEY, job.bodyHash, NOW);
    expect(taken?.id).toBe(job.id);
    expect(await stores.jobs.takeUnanswered(KEY, job.bodyHash, NOW)).toBeUndefined();
  });

  it('hand a claimed job to its claimant', async () => {
    expect(await stores.jobs.claimNext(MODEL.name, NOW, 1000)).toMatchObject({
      id: job.id,
      attempts: 1,
    });
  });

  it('give a due webhook to the one that asked, and make it due again', async () => {
    const [entry] = await stores.outbox.claimDue(NOW, NOW + 1000, 10);
    expect(entry?.id).toBe('one');
    const attempt = { entry: 'one', number: 1, at: NOW, durationMs: 1 };
    await stores.outbox.recordAttempt(attempt, { next: 'abandoned' });
    expect(await stores.outbox.requeue('one', NOW)).toMatchObject({ id: 'one', attempts: 1 });
  });
});
