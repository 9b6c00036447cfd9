import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOG_METRICS, type LogMetric } from '#infra/operations/log-metrics.ts';
import { createJsonLog } from '#shared/adapters/aws/json-log.ts';
import { createLoggedLedger } from '#shared/adapters/aws/logged-ledger.ts';
import type { Job } from '#shared/core/job.ts';
import { microUsd } from '#shared/core/money.ts';
import type { Grant, Ledger } from '#shared/service/ports/ledger.ts';
import { ROOT } from '#test/helpers/root.ts';
import { sampleAdmission } from '#test/helpers/sample-jobs.ts';
import { everyResource, synthesise } from '#test/helpers/synthesise.ts';

/** The lines that a function writes. */
function recordingLog() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  return { lines, log: createJsonLog({ function: 'test', clock: { now: () => 0 }, write }) };
}

const settledJob: Job = {
  ...sampleAdmission('acc_1').job,
  rank: 1,
  status: 'succeeded',
  completedAt: Date.now(),
  cost: microUsd(4_000),
  receipt: {
    job: 'job',
    images: [],
    ms: { load: 1, text: 1, unet: 1, vae: 1, encode: 1, upload: 1 },
    model: { name: 'a/b', digest: '' },
    versions: {},
    device: 'cuda',
    warnings: [],
  },
};

describe('metrics that are read off logs', () => {
  const metrics = Object.values<LogMetric>(LOG_METRICS);
  const fieldsOf = (event: string) =>
    metrics
      .filter((metric) => metric.event === event)
      .flatMap(({ field, only }) => [field, only?.[0]])
      .filter((field) => field !== undefined);

  it('find every field in the line of a settled job', () => {
    const { lines, log } = recordingLog();
    log.settled(settledJob);
    expect(lines[0]).toMatchObject({ event: 'job-settled', status: 'succeeded', start: 'cold' });
    for (const field of fieldsOf('job-settled')) expect(lines[0], field).toHaveProperty(field);
    expect(JSON.stringify(lines)).not.toContain(settledJob.input?.prompt);
  });

  it('find the amount in the line of a grant, which a replayed grant does not write', async () => {
    const { lines, log } = recordingLog();
    let outcome = 'granted';
    const ledger = createLoggedLedger(
      { grant: async () => ({ outcome }) } as unknown as Ledger,
      log,
    );
    const grant = { account: 'acc_1', amount: microUsd(5) } as unknown as Grant;
    await ledger.grant(grant);
    outcome = 'replayed';
    await ledger.grant(grant);
    expect(lines).toMatchObject([{ event: 'credit-granted', amountMicroUsd: 5 }]);
  });

  it('are of events that the functions write', () => {
    const sources = ['functions', 'shared']
      .flatMap((folder) =>
        readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.ts'))
          .map((name) => readFileSync(join(ROOT, folder, name), 'utf8')),
      )
      .join('\n');
    for (const event of new Set(metrics.map((metric) => metric.event))) {
      expect(sources, event).toMatch(new RegExp(`event\\('${event}'`));
    }
  });

  it('are read off the log of each function that may write them', () => {
    synthesise().templates.operations.hasResourceProperties('AWS::Logs::MetricFilter', {
      FilterPattern: '{ ($.event = "job-settled") && ($.status = "succeeded") }',
      MetricTransformations: [{ MetricName: 'JobsSucceeded', MetricNamespace: 'onestep/dev' }],
    });
    const filters = everyResource(synthesise(), 'AWS::Logs::MetricFilter');
    const readOff = (metric: string) =>
      filters
        .filter(([, , { Properties }]) => Properties.MetricTransformations[0].MetricName === metric)
        .map(([, id]) =>
          id.replace(/^[a-z]+[A-Z][A-Za-z]*?(api|complete|dispatch|sweep|webhooks)\w+$/, '$1'),
        )
        .sort();
    // Whoever can end a job, whoever grants, and so on: nobody else's log is searched.
    expect(readOff('JobsSucceeded')).toEqual(['api', 'complete', 'dispatch', 'sweep']);
    expect(readOff('GrantedMicroUsd')).toEqual(['api']);
    expect(readOff('WebhooksFailed')).toEqual(['webhooks']);
    expect(readOff('LedgerMismatch')).toEqual(['sweep']);
  });
});
