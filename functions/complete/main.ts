import { createPlatform } from '#shared/adapters/aws/platform.ts';
import { composeComplete } from './compose.ts';
import { loadCompleteConfig } from './config.ts';

const config = loadCompleteConfig(process.env);

/** Lambda's entry: SageMaker's notifications, in batches from SQS. */
export const handler = composeComplete(config, createPlatform('complete', config.AWS_REGION));
