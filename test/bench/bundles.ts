import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { bundleAll } from '#infra/bundles.ts';
import type { Bench, BenchIo } from './bench.ts';

const execute = promisify(execFile);

/** One function's bundle and what it takes to load it in a process that has nothing loaded yet. */
interface BundleTimes {
  readonly name: string;
  readonly sizeBytes: number;
  readonly gzipBytes: number;
  /** Milliseconds of the import, the median of the runs. */
  readonly coldImportMs: number;
}

const RUNS = 5;

/** Whatever a function's configuration asks for; nothing is called while a bundle is imported. */
const ENVIRONMENT = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'none',
  AWS_SECRET_ACCESS_KEY: 'none',
  TABLE_NAME: 'table',
  OUTPUT_BUCKET_NAME: 'bucket',
  MODEL_BUCKET_NAME: 'models',
  MODELS: JSON.stringify([
    { name: 'onestep/demo', digest: '0'.repeat(64), endpoint: 'endpoint', price: 4000 },
  ]),
  DISPATCH_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/1/dispatch',
  WEBHOOK_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/1/webhooks',
  MAC_SECRET_ARN: 'mac',
  RECEIPT_SECRET_ARN: 'receipt',
  INSPECT_FUNCTION: 'inspect',
  PUBLIC_URL: 'https://example.com',
  FUNCTION_NAME: 'function',
  VARIANT_NAME: 'gpu',
  ENDPOINTS: 'endpoint',
};

/** Lambda's runtime has this global; a handler that streams is made while its file is imported. */
const IMPORT_SCRIPT = `
globalThis.awslambda = { streamifyResponse: (handler) => handler };
const begun = performance.now();
await import(process.argv[1]);
console.log(performance.now() - begun);
process.exit(0);`;

async function importMs(file: string): Promise<number> {
  const { stdout } = await execute(
    process.execPath,
    ['--input-type=module', '--no-warnings', '--eval', IMPORT_SCRIPT, file],
    { env: ENVIRONMENT },
  );
  return Number(stdout.trim());
}

async function measure(file: string): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) times.push(await importMs(file));
  times.sort((a, b) => a - b);
  return Math.round((times[Math.floor(RUNS / 2)] ?? 0) * 10) / 10;
}

async function bundleTimes({ stderr }: BenchIo): Promise<readonly BundleTimes[]> {
  stderr.write('Bundling …\n');
  const bundles = await bundleAll({
    MAC_SECRET_ARN: 'onestep-dev-mac',
    MAC_SECRET_REGION: 'us-east-1',
  });
  const results: BundleTimes[] = [];
  for (const [name, { folder, sizeBytes }] of Object.entries(bundles)) {
    // No client waits for these.
    if (['kill-switch', 'package-check', 'inspect'].includes(name)) continue;
    stderr.write(`Importing ${name} …\n`);
    const file = join(folder, 'index.mjs');
    const gzipBytes = gzipSync(readFileSync(file)).length;
    results.push({ name, sizeBytes, gzipBytes, coldImportMs: await measure(file) });
  }
  return results;
}

function table(results: readonly BundleTimes[]): string {
  const row = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(10) : cell.padStart(12))).join('');
  const kilobytes = (bytes: number) => (bytes / 1024).toFixed(0);
  return [
    row(['function', 'KiB', 'KiB gzip', 'import ms']),
    ...results.map(({ name, sizeBytes, gzipBytes, coldImportMs }) =>
      row([name, kilobytes(sizeBytes), kilobytes(gzipBytes), coldImportMs.toFixed(1)]),
    ),
  ].join('\n');
}

/** `npm run -s bench -- bundles`: sizes of the Lambda functions, and the time of a cold import of each. */
export const bundlesBench: Bench = {
  summary: 'the Lambda functions: sizes and cold imports',
  async run(io) {
    const results = await bundleTimes(io);
    io.stdout.write(io.json ? `${JSON.stringify(results)}\n` : `${table(results)}\n`);
  },
};
