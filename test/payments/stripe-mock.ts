import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder, installOnce, runToEnd } from '#test/helpers/install-once.ts';
import { freePort, stopChild } from '#test/helpers/processes.ts';

const MODULE = 'github.com/stripe/stripe-mock@v0.203.0';

export interface StripeMock {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Stripe's own mock, installed outside the tree, once; resolves when it answers. */
export async function startStripeMock(): Promise<StripeMock> {
  const folder = join(cacheFolder('onestep-payments'), MODULE.replaceAll(/[^\w.-]/g, '-'));
  await installOnce(folder, (empty) =>
    runToEnd('go', ['install', MODULE], { env: { ...process.env, GOBIN: empty } }),
  );
  const port = await freePort();
  const mock = spawn(join(folder, 'stripe-mock'), ['-http-port', String(port)], {
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  const headers = { authorization: 'Bearer sk_test_123' };
  const answers = () => fetch(`${url}/v1/balance`, { headers }).then(({ ok }) => ok);
  while (!(await answers().catch(() => false))) await sleep(50);
  return { url, port, stop: () => stopChild(mock) };
}
