import { createPlatform } from '#shared/adapters/aws/platform.ts';
import { composeSweep } from './compose.ts';
import { loadSweepConfig } from './config.ts';

const config = loadSweepConfig(process.env);

/** Lambda's entry: the schedule, each minute. */
export const handler = composeSweep(config, createPlatform('sweep', config.AWS_REGION));
