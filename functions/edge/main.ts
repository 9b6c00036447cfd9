import { randomBytes } from 'node:crypto';
import type { Environment } from '#shared/adapters/aws/environment.ts';
import { createJsonLog } from '#shared/adapters/aws/json-log.ts';
import { createSecretReader } from '#shared/adapters/aws/secret-reader.ts';
import { createSecretsClient } from '#shared/adapters/aws/secrets-client.ts';
import { systemClock } from '#shared/core/clock.ts';
import { composeEdge } from './compose.ts';
import { loadEdgeConfig } from './config.ts';

/** Written into the code by the bundler: Lambda@Edge has no environment. */
declare const ONESTEP_EDGE_SETTINGS: Environment;

const config = loadEdgeConfig(ONESTEP_EDGE_SETTINGS);
const log = createJsonLog({
  function: 'edge',
  clock: systemClock,
  write: (line) => process.stdout.write(line),
});

/** Lambda@Edge's entry, at CloudFront's origin request. */
export const handler = composeEdge(config, {
  readSecret: createSecretReader({
    client: createSecretsClient({ region: config.MAC_SECRET_REGION }),
    clock: systemClock,
  }),
  clock: systemClock,
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
  onError: log.error,
});
