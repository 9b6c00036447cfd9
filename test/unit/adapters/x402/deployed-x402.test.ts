import { describe, expect, it } from 'vitest';
import { loadApiConfig } from '#functions/api/config.ts';
import { loadSweepConfig } from '#functions/sweep/config.ts';
import { deployedGateway, readX402Secret } from '#shared/adapters/x402/deployed-x402.ts';
import { x402NotInstalled } from '#shared/adapters/x402/load-x402.ts';

const SETTINGS = {
  payTo: `0x${'a'.repeat(40)}`,
  network: 'eip155:8453',
  facilitatorUrl: 'https://facilitator.example.com',
};
const MODELS = JSON.stringify([
  { name: 'a/one', digest: 'a'.repeat(64), endpoint: 'one', price: 4000 },
]);
const ENV = {
  AWS_REGION: 'us-east-1',
  TABLE_NAME: 'table',
  OUTPUT_BUCKET_NAME: 'outputs',
  MODEL_BUCKET_NAME: 'models',
  MODELS,
  DISPATCH_QUEUE_URL: 'https://sqs.example.com/dispatch',
  WEBHOOK_QUEUE_URL: 'https://sqs.example.com/webhooks',
  MAC_SECRET_ARN: 'mac',
  RECEIPT_SECRET_ARN: 'receipt',
  INSPECT_FUNCTION: 'inspect',
};

describe('x402 in a deployed function', () => {
  it('is off without its variable', () => {
    expect(loadApiConfig(ENV).X402).toBeUndefined();
    expect(loadSweepConfig(ENV).X402).toBeUndefined();
  });

  it('is read, with its limits, and its faults are named', () => {
    const env = { ...ENV, X402: JSON.stringify(SETTINGS) };
    const limits = { unpaidPerPayer: 5, unpaidPerAddress: 20 };
    expect(loadApiConfig(env).X402).toMatchObject({ ...SETTINGS, ...limits });
    expect(() => loadSweepConfig({ ...ENV, X402: '{"payTo":1}' })).toThrow(/X402\.payTo/);
    expect(() => loadSweepConfig({ ...ENV, X402: 'on' })).toThrow(/X402: must be JSON/);
  });

  it('takes token and node from the secret, which goes before the settings', async () => {
    const variables = {
      X402: {
        ...SETTINGS,
        rpcUrl: 'https://open.example.com',
        unpaidPerPayer: 5,
        unpaidPerAddress: 20,
      },
    };
    expect(deployedGateway(variables, '')).toEqual({
      settings: variables.X402,
      facilitatorToken: undefined,
    });
    const secret = JSON.stringify({
      facilitatorToken: 't',
      rpcUrl: 'https://node.example.com/key',
    });
    expect(deployedGateway(variables, secret)).toMatchObject({
      settings: { rpcUrl: 'https://node.example.com/key' },
      facilitatorToken: 't',
    });
    const read = async (id: string) => `secret of ${id}`;
    expect(await readX402Secret({ X402_SECRET_ARN: 'arn' }, read)).toBe('secret of arn');
    expect(await readX402Secret({}, read)).toBe('');
  });

  it.each(['text', '"text"', '{"token":"abcdef"}', '{"rpcUrl":"no address"}', '{}'])(
    'says what is wrong with the secret, not what it is (%s)',
    (secret) => {
      const X402 = { ...SETTINGS, unpaidPerPayer: 5, unpaidPerAddress: 20 };
      let said = '';
      try {
        deployedGateway({ X402 }, secret);
      } catch (error) {
        said = String(error);
      }
      expect(said).toMatch(/The secret of onestep:x402\.secretArn must/);
      expect(said).not.toContain('abcdef');
    },
  );

  it('says what to install where', () => {
    expect(x402NotInstalled({ folder: '/project' }).message).toMatch(
      /Run in \/project: npm install @x402\/core@\S+ @x402\/evm@\S+ viem@\S+$/,
    );
  });
});
