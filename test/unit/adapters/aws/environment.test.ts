import { describe, expect, it } from 'vitest';
import { loadApiConfig } from '#functions/api/config.ts';
import { loadDispatchConfig } from '#functions/dispatch/config.ts';

const GOOD = {
  AWS_REGION: 'eu-central-1',
  TABLE_NAME: 'table',
  OUTPUT_BUCKET_NAME: 'outputs',
  MODEL_BUCKET_NAME: 'models',
  MODELS: JSON.stringify([
    { name: 'onestep/demo', digest: 'a'.repeat(64), endpoint: 'onestep-dev-demo', price: 4000 },
  ]),
  DISPATCH_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/1/dispatch',
  WEBHOOK_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/1/webhooks',
  MAC_SECRET_ARN: 'arn:mac',
  RECEIPT_SECRET_ARN: 'arn:receipt',
  INSPECT_FUNCTION: 'inspect',
};

describe('environments of functions', () => {
  it('are read with defaults, and an empty variable is an absent one', () => {
    const config = loadApiConfig({ ...GOOD, QUEUE_LIMIT: '', TOPUP_URL: '' });
    expect(config).toMatchObject({ QUEUE_LIMIT: 20_000 });
    expect(config).not.toHaveProperty('TOPUP_URL');
    expect(config.MODELS[0]).toMatchObject({ maxInstances: 1 });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('report every fault at once', () => {
    const bad = { ...GOOD, TABLE_NAME: undefined, QUEUE_LIMIT: '-1', MODELS: '[{]' };
    expect(() => loadApiConfig(bad)).toThrow(/TABLE_NAME.*MODELS: must be JSON.*QUEUE_LIMIT/);
  });

  it('refuse two models of one name', () => {
    const [model] = JSON.parse(GOOD.MODELS) as unknown[];
    const twice = { ...GOOD, MODELS: JSON.stringify([model, model]) };
    expect(() => loadApiConfig(twice)).toThrow('two models have one name');
  });

  it('let no more than a hundred jobs into SageMaker for each instance', () => {
    expect(() => loadDispatchConfig({ ...GOOD, JOBS_PER_INSTANCE: '101' })).toThrow(
      /JOBS_PER_INSTANCE/,
    );
  });
});
