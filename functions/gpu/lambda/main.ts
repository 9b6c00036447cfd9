import { composeGpuFunction, createBucketStore } from '#functions/gpu/compose.ts';
import { loadGpuConfig } from '#functions/gpu/config.ts';
import { fetchPackage } from '#functions/gpu/fetch-package.ts';
import { createJsonLog } from '#shared/adapters/aws/json-log.ts';
import { systemClock } from '#shared/core/clock.ts';

/**
 * The same function on Lambda, on a CPU, for models that fit: an order is the event of an asynchronous
 * invocation, and what `/invocations` would answer is the answer. Everything is loaded before the first
 * event comes.
 */

const log = createJsonLog({
  function: 'gpu',
  clock: systemClock,
  write: (line) => process.stdout.write(line),
});

const config = loadGpuConfig(process.env, []);
const { PACKAGE_BUCKET_NAME: bucket, PACKAGE_PREFIX: prefix } = config;
const [folder = '/tmp/model'] = config.MODEL_FOLDERS;
if (bucket !== undefined && prefix !== undefined) {
  await fetchPackage(await createBucketStore(config, bucket, systemClock), prefix, folder);
}
const gpu = await composeGpuFunction({ config, env: process.env, clock: systemClock, log });
await gpu.warmUp();

/** Lambda's entry: an order. A failed inference is an answer as well; a crash and a timeout are not. */
export async function handler(order: unknown): Promise<unknown> {
  const body = JSON.stringify(order);
  const answer = await gpu.app.request('/invocations', { method: 'POST', body });
  return await answer.json();
}
