import { describe, expect, it } from 'vitest';
import { createFailureReport } from '#functions/gpu/compose.ts';
import { createJsonLog } from '#shared/adapters/aws/json-log.ts';
import { COMMITTED_CONTEXT, resourcesOf, synthesise } from '#test/helpers/synthesise.ts';

const MINUTE = 60_000;
const OLD = `sha256:${'a'.repeat(64)}`;
const NEW = `sha256:${'b'.repeat(64)}`;

interface Line {
  readonly event?: string;
  readonly release?: string;
  readonly time: string;
}

const [MODEL] = COMMITTED_CONTEXT['onestep:models'] as [Record<string, unknown>];

/** What one deployment watches, and what it marks its container's lines with. */
function deployed(imageDigest: string, settings: Readonly<Record<string, unknown>> = {}) {
  const { gpu } = synthesise({ 'onestep:imageDigest': imageDigest, ...settings }).templates;
  const one = (type: string, id = /./) => {
    const found = Object.entries(resourcesOf(gpu, type)).filter(([name]) => id.test(name));
    expect(found).toHaveLength(1);
    return found[0]?.[1].Properties;
  };
  const [id] =
    Object.keys(resourcesOf(gpu, 'AWS::CloudWatch::Alarm')).filter((name) =>
      name.includes('RollbackAlarm'),
    ) ?? [];
  return {
    alarmId: id,
    alarm: one('AWS::CloudWatch::Alarm', /RollbackAlarm/),
    filter: one('AWS::Logs::MetricFilter'),
    endpoint: one('AWS::SageMaker::Endpoint'),
    release: one('AWS::SageMaker::Model').PrimaryContainer.Environment.RELEASE as string,
  };
}

type Deployed = ReturnType<typeof deployed>;

/** The alarm's state after these lines, as CloudWatch reads filter and alarm. */
function stateOf({ alarm, filter }: Deployed, lines: readonly Line[], now: number) {
  const [, event] = /^\{ \$\.event = "([a-z-]+)" \}$/.exec(filter.FilterPattern) ?? [];
  const [metric] = filter.MetricTransformations;
  const [dimension] = metric.Dimensions;
  expect([metric.MetricNamespace, metric.MetricName]).toEqual([alarm.Namespace, alarm.MetricName]);
  expect(dimension).toEqual({ Key: 'Release', Value: '$.release' });
  const [wanted] = alarm.Dimensions;
  const counted = lines.filter((line) => line.event === event && line.release === wanted.Value);
  const sums = Array.from({ length: alarm.EvaluationPeriods }, (_, period) => {
    const to = now - period * alarm.Period * 1000;
    const from = to - alarm.Period * 1000;
    const times = counted.map(({ time }) => Date.parse(time));
    return times.filter((time) => time > from && time <= to).length;
  });
  const breaching = sums.filter((sum) => sum >= alarm.Threshold).length;
  return breaching >= (alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods) ? 'ALARM' : 'OK';
}

/** The lines that a container writes for tasks that fail, one every ten seconds or as given. */
function linesOfFailures(release: string, count: number, from: number, everyMs = 10_000): Line[] {
  const lines: Line[] = [];
  let now = from;
  const log = createJsonLog({
    function: 'gpu',
    clock: { now: () => now },
    write: (line) => void lines.push(JSON.parse(line)),
  });
  const report = createFailureReport(log, release);
  for (let i = 0; i < count; i++) {
    report(new Error('CUDA is out of memory'), `job-${i}`);
    now += everyMs;
  }
  return lines;
}

describe('the alarm that rolls an update back', () => {
  const old = deployed(OLD);
  const fresh = deployed(NEW);
  const start = Date.parse('2026-01-01T00:00:00Z');
  const now = start + 3 * MINUTE;

  it('does not mind failures of the old version beside a healthy new one', () => {
    const lines = linesOfFailures(old.release, 18, start);
    expect(stateOf(fresh, lines, now)).toBe('OK');
    expect(stateOf(old, lines, now)).toBe('ALARM');
  });

  it('goes off when the new version fails beside a healthy old one', () => {
    const lines = linesOfFailures(fresh.release, 18, start);
    expect(stateOf(fresh, lines, now)).toBe('ALARM');
    expect(stateOf(old, lines, now)).toBe('OK');
  });

  it('goes off when each failure takes as long as loading the model', () => {
    const lines = linesOfFailures(fresh.release, 3, start, 75_000);
    expect(stateOf(fresh, lines, now)).toBe('ALARM');
  });

  it('is another one for each image and each model, so that it begins without a past', () => {
    expect(fresh.alarmId).not.toBe(old.alarmId);
    expect(fresh.release).not.toBe(old.release);
    expect(fresh.endpoint.DeploymentConfig.AutoRollbackConfiguration.Alarms).toEqual([
      { AlarmName: { Ref: fresh.alarmId } },
    ]);
  });

  it.each([
    { 'onestep:watermark': false },
    { 'onestep:imageCheck': 'https://classifier.example.com' },
    { 'onestep:c2pa': { timeStampUrl: 'http://stamps.example.com' } },
    { 'onestep:models': [{ ...MODEL, instance: ['ml.g6.xlarge', 'ml.g5.xlarge'] }] },
  ])('is another one for other settings: taking one back may be the fix (%o)', (settings) => {
    const changed = deployed(OLD, settings);
    expect(changed.release).not.toBe(old.release);
    const lines = linesOfFailures(changed.release, 18, start);
    expect(stateOf(old, lines, now)).toBe('OK');
  });

  it('may be looked at by the role that SageMaker acts as', () => {
    const policies = Object.values(
      resourcesOf(synthesise({ 'onestep:imageDigest': NEW }).templates.gpu, 'AWS::IAM::Policy'),
    ).flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
    expect(policies).toContainEqual({
      Effect: 'Allow',
      Action: 'cloudwatch:DescribeAlarms',
      Resource: { 'Fn::GetAtt': [fresh.alarmId, 'Arn'] },
    });
  });
});
