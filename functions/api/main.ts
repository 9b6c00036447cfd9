import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { clientSettings } from '#shared/adapters/aws/aws-access.ts';
import { createEndpointState } from '#shared/adapters/aws/endpoint-state.ts';
import { createPlatform } from '#shared/adapters/aws/platform.ts';
import { createSecretReader } from '#shared/adapters/aws/secret-reader.ts';
import { createSecretsClient } from '#shared/adapters/aws/secrets-client.ts';
import { createErrands, createStreamHandler } from './adapter.ts';
import { composeApi } from './compose.ts';
import { loadApiConfig } from './config.ts';
import { once } from './once.ts';

const config = loadApiConfig(process.env);
const access = { region: config.AWS_REGION };
const platform = createPlatform('api', config.AWS_REGION);
const { clock } = platform;
const errands = createErrands();

const composed = once(() =>
  composeApi(config, {
    ...platform,
    readSecret: createSecretReader({ client: createSecretsClient(access), clock }),
    endpointState: createEndpointState({
      client: new SageMakerClient(clientSettings(access)),
      clock,
    }),
    errands,
  }),
);

/** Lambda's entry behind a Function URL that streams its answers. */
export const handler = createStreamHandler(async () => {
  const app = await composed();
  return (request, env) => app.fetch(request, env);
}, errands);
