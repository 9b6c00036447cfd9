import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { clientSettings } from '#shared/adapters/aws/aws-access.ts';
import { createEndpointControl } from '#shared/adapters/aws/endpoint-control.ts';
import { createPlatform } from '#shared/adapters/aws/platform.ts';
import { createSecretReader } from '#shared/adapters/aws/secret-reader.ts';
import { createSecretsClient } from '#shared/adapters/aws/secrets-client.ts';
import { composeSweep } from './compose.ts';
import { loadSweepConfig } from './config.ts';

const config = loadSweepConfig(process.env);

const access = clientSettings({ region: config.AWS_REGION });
const sageMaker = new SageMakerClient(access);
const scaling = new ApplicationAutoScalingClient(access);
const platform = createPlatform('sweep', config.AWS_REGION);
const secrets = createSecretsClient({ region: config.AWS_REGION });

/** Lambda's entry: the schedule, each minute. */
export const handler = composeSweep(config, {
  ...platform,
  readSecret: createSecretReader({ client: secrets, clock: platform.clock }),
  endpointControl: (variant) => createEndpointControl({ sageMaker, scaling, variant }),
});
