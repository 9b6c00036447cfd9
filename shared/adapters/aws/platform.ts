import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '#shared/core/clock.ts';
import { createDynamoClient, createS3Client, createSqsClient } from './aws-clients.ts';
import type { Platform } from './aws-system.ts';
import { createJsonLog } from './json-log.ts';

/** The real world, as a Lambda function finds it. Clients are made once, outside the handler. */
export function createPlatform(functionName: string, region: string): Platform {
  const access = { region };
  return {
    dynamo: createDynamoClient(access),
    s3: createS3Client(access),
    sqs: createSqsClient(access),
    clock: systemClock,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    random: Math.random,
    sleep: (ms) => sleep(ms),
    log: createJsonLog({
      function: functionName,
      clock: systemClock,
      write: (line) => process.stdout.write(line),
    }),
  };
}
