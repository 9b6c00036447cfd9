import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MODEL, startCloud } from '#test/helpers/cloud.ts';
import { createCloudSecret } from '#test/helpers/cloud-resources.ts';
import { type DemoPackage, importDemo } from '#test/helpers/demo-package.ts';
import { newId } from '#test/helpers/sample-jobs.ts';
import { read } from '#test/payments/paying-client.ts';

let demo: DemoPackage;

beforeAll(async () => {
  demo = await importDemo();
}, 120_000);
afterAll(() => demo?.remove());

const X402 = {
  payTo: '0x00000000000000000000000000000000000000a1',
  network: 'eip155:84532',
  facilitatorUrl: 'https://facilitator.example',
};

describe.each([
  ['is not there', async () => `missing-${newId()}`],
  ['holds something else', () => createCloudSecret(`payments-${newId()}`, '{"key": "sk_test"}')],
])('a secret of payments that %s', (_, secret) => {
  it('stops payments alone, and the log says which', { timeout: 60_000 }, async () => {
    const secretArn = await secret();
    const x402 = { settings: X402, secretArn };
    const cloud = await startCloud({ ...demo, x402, stripeSecretArn: secretArn });
    try {
      const { key } = await cloud.newCustomer(100_000);
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      const call = async (method: string, path: string, body?: object) => {
        const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
        return read(await fetch(`${cloud.url}${path}`, init));
      };
      const order = { model: MODEL, input: { prompt: 'a house' } };
      const { id } = await call('POST', '/v1/predictions', order);
      await vi.waitFor(
        async () =>
          expect(await call('GET', `/v1/predictions/${id}`)).toMatchObject({ status: 'succeeded' }),
        { timeout: 30_000, interval: 200 },
      );
      const topup = await call('POST', '/v1/topups', { amount: 5_000_000 });
      expect(topup.error.code).toBe('not_found');
      for (const way of ['x402', 'card']) {
        expect(cloud.lines.join('\n')).toContain(`opening payments by ${way}`);
      }
      expect(cloud.lines.join('\n')).not.toContain('sk_test');
    } finally {
      await cloud.stop();
    }
  });
});
