import { LambdaClient } from '@aws-sdk/client-lambda';
import { clientSettings } from '#shared/adapters/aws/aws-access.ts';
import { createSageMakerRuntimeClient } from '#shared/adapters/aws/aws-clients.ts';
import { createPlatform } from '#shared/adapters/aws/platform.ts';
import { composeDispatch } from './compose.ts';
import { loadDispatchConfig } from './config.ts';

const config = loadDispatchConfig(process.env);
const platform = createPlatform('dispatch', config.AWS_REGION);
const access = { region: config.AWS_REGION };

/** Lambda's entry: wake-ups from SQS, in batches; what they say does not matter. */
export const handler = composeDispatch(config, {
  ...platform,
  sageMakerRuntime: createSageMakerRuntimeClient(access),
  lambda: new LambdaClient(clientSettings(access)),
});
