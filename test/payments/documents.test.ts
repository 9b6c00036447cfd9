import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';
import { ROOT } from '#test/helpers/root.ts';
import { removeFolder, temporaryFolder } from '#test/helpers/server-process.ts';
import { type PrintedStart, startAsPrinted } from '#test/helpers/start-as-printed.ts';
import { startFacilitator } from './facilitator.ts';
import { NETWORK, startLocalChain } from './local-chain.ts';
import { order, payingFetch, read } from './paying-client.ts';
import { startStripeMock } from './stripe-mock.ts';

/**
 * docs/payments.md followed in a clone: the packages from the registry, then the server. Only keys,
 * addresses and the port are the test's.
 */
const run = promisify(execFile);
const MINUTES = 60_000;

const [stripe, topup, automatic, x402, ...more] = blocksRunBy(import.meta.filename);

let folder: string;
let clone: string;
let server: PrintedStart | undefined;

beforeAll(() => {
  folder = temporaryFolder();
  clone = join(folder, 'onestep');
  execFileSync('git', ['clone', '--quiet', ROOT, clone]);
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
});
// A thousand packages are many files.
afterAll(() => removeFolder(folder), 5 * MINUTES);

test('these are the blocks', () => {
  expect(more).toEqual([]);
});

test(
  'Stripe is installed and configured; credit is asked for, and bought by itself',
  async () => {
    const mock = await startStripeMock();
    const code = (stripe?.code ?? '')
      .replace('sk_test_…', 'sk_test_123')
      .replace('whsec_…', 'whsec_1');
    const started = await startAsPrinted(code, {
      cwd: clone,
      env: { STRIPE_API_URL: mock.url },
    });
    server = started;
    const env = {
      ...process.env,
      ONESTEP_URL: started.url,
      ONESTEP_KEY: started.key,
      ONESTEP_ADMIN_KEY: started.adminKey,
    };
    const curl = async (words: string | undefined) => {
      const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', words ?? ''], { env });
      return JSON.parse(stdout);
    };
    expect(await curl(topup?.code)).toMatchObject({ url: expect.stringContaining('http') });
    expect(await curl(automatic?.code)).toMatchObject({
      ...{ threshold: 2_000_000, amount: 10_000_000, monthly_limit: 50_000_000 },
    });
    await mock.stop();
  },
  10 * MINUTES,
);

test(
  'x402 is installed and configured; a payer without an account gets a picture',
  async () => {
    const chain = await startLocalChain(inject('paymentTools'));
    const facilitator = await startFacilitator(chain);
    const payTo = await chain.newAccount();
    const code = (x402?.code ?? '')
      .replace('0x…', payTo.address)
      // The chain is one of the test's own.
      .replace('eip155:8453 ', NETWORK)
      .replace('https://…', facilitator.url)
      .replace('https://…', chain.rpcUrl);
    expect(code).not.toContain('…');
    const started = await startAsPrinted(code, { cwd: clone });
    server = started;
    const { pay } = payingFetch(await chain.newPayer(1_000_000));
    const answer = await pay(`${started.url}/v1/predictions`, order('a red house'));
    expect(await read(answer)).toMatchObject({ status: 'succeeded' });
    expect(await chain.balanceOf(payTo.address)).toBe(4000);
    await started.stop();
    await facilitator.close();
    await chain.stop();
  },
  10 * MINUTES,
);
