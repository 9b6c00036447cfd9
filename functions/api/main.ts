import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { clientSettings } from '#shared/adapters/aws/aws-access.ts';
import { createEndpointControl } from '#shared/adapters/aws/endpoint-control.ts';
import { createEndpointState } from '#shared/adapters/aws/endpoint-state.ts';
import { createPlatform } from '#shared/adapters/aws/platform.ts';
import { createSecretBound } from '#shared/adapters/aws/secret-bound.ts';
import { createSecretReader } from '#shared/adapters/aws/secret-reader.ts';
import { createSecretsClient } from '#shared/adapters/aws/secrets-client.ts';
import { composeApi } from './compose.ts';
import { loadApiConfig } from './config.ts';
import { createBackgroundWork, createStreamHandler } from './http/lambda-adapter.ts';
import { createRemoteInspection } from './verify/remote-inspection.ts';

/** Reading the largest image, on a function that has to start. */
const INSPECTION_MS = 30_000;

const config = loadApiConfig(process.env);
const access = { region: config.AWS_REGION };
const platform = createPlatform('api', config.AWS_REGION);
const { clock, log } = platform;
const { waitUntil, settled } = createBackgroundWork();
const sageMaker = new SageMakerClient(clientSettings(access));
const scaling = new ApplicationAutoScalingClient(clientSettings(access));
const lambda = new LambdaClient(clientSettings(access, { timeoutMs: INSPECTION_MS, attempts: 1 }));
const readSecret = createSecretReader({ client: createSecretsClient(access), clock });

/** Composed anew when a secret has changed: new keys are known within minutes, as in the containers. */
const composed = createSecretBound({
  read: async () => {
    const { MAC_SECRET_ARN, RECEIPT_SECRET_ARN, STRIPE_SECRET_ARN, X402_SECRET_ARN } = config;
    const needed = [MAC_SECRET_ARN, RECEIPT_SECRET_ARN].map(readSecret);
    // Without these there are no payments, and the composition says so.
    const optional = [STRIPE_SECRET_ARN ?? [], X402_SECRET_ARN ?? []]
      .flat()
      .map((arn) => readSecret(arn).catch(() => ''));
    return (await Promise.all([...needed, ...optional])).join('\n');
  },
  make: () =>
    composeApi(config, {
      ...platform,
      readSecret,
      endpointState: createEndpointState({ client: sageMaker, clock }),
      endpointControl: (variant) => createEndpointControl({ sageMaker, scaling, variant }),
      inspectImage: createRemoteInspection(lambda, config.INSPECT_FUNCTION),
      waitUntil,
    }),
  onError: log.error,
});

/** Lambda's entry behind a Function URL that streams its answers. */
export const handler = createStreamHandler({
  api: async () => {
    const app = await composed();
    return (request, env) => app.fetch(request, env);
  },
  settled,
  onError: log.error,
});
