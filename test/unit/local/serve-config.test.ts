import { describe, expect, it } from 'vitest';
import { loadServeConfig } from '#functions/local/serve-config.ts';

const load = (env: Record<string, string>, flags: Record<string, string> = {}) =>
  loadServeConfig({ env, flags, file: 'none', fileRequired: false });

describe('settings of the server', () => {
  it('take numbers and switches as text, and have defaults', () => {
    const config = load(
      { ONESTEP_QUEUE_LIMIT: '7', ONESTEP_ALLOW_LOCAL_WEBHOOKS: '1' },
      { port: '0' },
    );
    expect(config).toMatchObject({ queueLimit: 7, allowLocalWebhooks: true, port: 0 });
    expect(config.retentionHours).toBeGreaterThan(0);
  });

  it('are refused all at once, each with its name, its place and what it must be', () => {
    const wrong = () =>
      load(
        {
          ONESTEP_QUEUE_LIMIT: 'x',
          ONESTEP_RETENTION_HOURS: '-3',
          ONESTEP_JOB_DEADLINE_SECONDS: '1',
          ONESTEP_PAUSED: 'maybe',
          ONESTEP_PUBLIC_URL: 'images.example.com',
          ONESTEP_SYNCHRONOUS: 'fast',
        },
        { port: '65536' },
      );
    for (const line of [
      'ONESTEP_QUEUE_LIMIT (environment): must be a whole number from 1 to 10000000',
      'ONESTEP_RETENTION_HOURS (environment): must be a whole number from',
      'ONESTEP_JOB_DEADLINE_SECONDS (environment): must be a whole number from 5 to 86400',
      'ONESTEP_PAUSED (environment): must be true or false',
      'ONESTEP_PUBLIC_URL (environment): must be an address such as https://images.example.com',
      'ONESTEP_SYNCHRONOUS (environment): must be one of full, normal',
      'port (command line): must be a whole number from 0 to 65535',
    ]) {
      expect(wrong).toThrow(line);
    }
  });
});
