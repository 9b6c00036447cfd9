import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCompleteHandler } from '#functions/complete/handler.ts';
import { createDynamoClient, createS3Client } from '#shared/adapters/aws/aws-clients.ts';
import { createAwsSystem } from '#shared/adapters/aws/aws-system.ts';
import { createJsonLog } from '#shared/adapters/aws/json-log.ts';
import type { AccountId, JobId } from '#shared/core/ids.ts';
import { jobMarks } from '#shared/core/job-marks.ts';
import { microUsd, ZERO_USD } from '#shared/core/money.ts';
import { receiptObjectKey } from '#shared/core/output-keys.ts';
import { accessTo, createEmptyBucket, createEmptyTable } from '#test/helpers/aws-stand-ins.ts';
import { createFaultPlan } from '#test/helpers/faulty-client.ts';
import { expectInvariant } from '#test/helpers/invariant.ts';
import { newId, sampleAdmission, sampleAudit, sampleGrant } from '#test/helpers/sample-jobs.ts';
import { sampleImage, sampleReceipt } from '#test/helpers/samples.ts';

const PRICE = 4_000;
const WAYS = ['before', 'after'] as const;

describe('a fault at each call to AWS, one by one', () => {
  const faults = createFaultPlan();
  let healthy: ReturnType<typeof createAwsSystem>;
  let faulty: ReturnType<typeof createAwsSystem>;
  let bucket: string;

  beforeAll(async () => {
    const names = { tableName: await createEmptyTable(), bucket: await createEmptyBucket() };
    bucket = names.bucket;
    const platform = {
      dynamo: createDynamoClient(accessTo('dynamoDb')),
      s3: createS3Client(accessTo('s3')),
      sqs: undefined as never,
      clock: { now: () => Date.now() },
      randomBytes: (length: number) => new Uint8Array(randomBytes(length)),
      random: Math.random,
      sleep: async () => {},
      log: createJsonLog({ function: 'test', clock: { now: () => 0 }, write: () => {} }),
    };
    healthy = createAwsSystem(platform, names);
    faulty = createAwsSystem(
      { ...platform, dynamo: faults.wrap(platform.dynamo), s3: faults.wrap(platform.s3) },
      names,
    );
  });

  async function newAccount(): Promise<AccountId> {
    const id = `acc_${newId()}` as AccountId;
    await healthy.ledger.createAccount(
      { id, name: 'a', createdAt: Date.now(), balance: ZERO_USD, held: ZERO_USD },
      sampleAudit(id),
    );
    await healthy.ledger.grant(sampleGrant(id, 10 * PRICE));
    return id;
  }

  /** How many calls an action makes when nothing fails. */
  async function countCalls(action: () => Promise<unknown>): Promise<number> {
    faults.disarm();
    await action();
    return faults.calls();
  }

  it('of an admission: nothing or everything, and once when it is repeated', async () => {
    const first = await newAccount();
    const calls = await countCalls(() =>
      faulty.jobs.admit(sampleAdmission(first, { scope: `${first}|r|k` })),
    );
    expect(calls).toBeGreaterThanOrEqual(4);
    for (let call = 1; call <= calls; call++) {
      for (const when of WAYS) {
        const account = await newAccount();
        const admission = sampleAdmission(account, { scope: `${account}|r|k` });
        faults.arm(call, when);
        await expect(faulty.jobs.admit(admission)).rejects.toThrow('injected');
        const between = await healthy.ledger.getAccount(account);
        const job = await healthy.jobs.get(admission.job.id);
        expect(between?.held, `${when} ${call}`).toBe(job === undefined ? 0 : PRICE);
        faults.disarm();
        expect((await faulty.jobs.admit(admission)).outcome).toBe('admitted');
        // A client that tries again sends a new job under its old idempotency key.
        const again = await faulty.jobs.admit(
          sampleAdmission(account, { scope: `${account}|r|k` }),
        );
        expect(again).toMatchObject({ outcome: 'replayed', job: { id: admission.job.id } });
        expect(await healthy.ledger.getAccount(account)).toMatchObject({
          balance: 9 * PRICE,
          held: PRICE,
        });
      }
    }
    await expectInvariant(healthy.ledger);
  });

  it('of a settlement through the completion handler: charged once when the message comes again', async () => {
    const handler = createCompleteHandler({
      createSettlement: faulty.createSettlement,
      blobs: faulty.blobs,
      bucket,
      wakeDispatcher: async () => {},
      carryWebhooks: async () => {},
      onError: () => {},
    });
    const run = async () => {
      const job = await runningJob(await newAccount());
      return { job, deliver: () => handler({ Records: [{ messageId: 'm', body: said(job) }] }) };
    };
    const sample = await run();
    const calls = await countCalls(sample.deliver);
    expect(calls).toBeGreaterThanOrEqual(7);
    for (let call = 1; call <= calls; call++) {
      for (const when of WAYS) {
        const { job, deliver } = await run();
        faults.arm(call, when);
        const first = await deliver();
        faults.disarm();
        expect(first.batchItemFailures, `${when} ${call}`).toEqual([{ itemIdentifier: 'm' }]);
        expect((await deliver()).batchItemFailures).toEqual([]);
        const ended = await healthy.jobs.get(job);
        expect(ended).toMatchObject({ status: 'succeeded', cost: PRICE });
        const money = await healthy.ledger.getAccount(ended?.account as AccountId);
        expect(money).toMatchObject({ balance: 9 * PRICE, held: 0 });
      }
    }
    await expectInvariant(healthy.ledger);
  });

  /** A job that was handed over and has run: its image, receipt and mark are in the bucket. */
  async function runningJob(account: AccountId): Promise<JobId> {
    const admission = sampleAdmission(account, { hold: PRICE });
    const { id, model } = admission.job;
    await healthy.jobs.admit({
      ...admission,
      job: { ...admission.job, price: { perImage: microUsd(PRICE), version: 'v' } },
    });
    await healthy.jobs.claimNext(model.name, Date.now(), 60_000);
    const image = sampleImage(id, 0);
    await healthy.blobs.put(image.key, new Uint8Array(image.bytes), 'image/png');
    const put = (key: string, body: unknown) =>
      healthy.blobs.put(key, new TextEncoder().encode(JSON.stringify(body)), 'application/json');
    await put(receiptObjectKey(id), sampleReceipt(id, [image]));
    await put(jobMarks.started(id), { started_at: Date.now() });
    return id;
  }

  function said(job: JobId): string {
    return JSON.stringify({ inferenceId: job, invocationStatus: 'Completed' });
  }
});
