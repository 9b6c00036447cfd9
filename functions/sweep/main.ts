import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { clientSettings } from '#shared/adapters/aws/aws-access.ts';
import { createEndpointControl } from '#shared/adapters/aws/endpoint-control.ts';
import { createPlatform } from '#shared/adapters/aws/platform.ts';
import { composeSweep } from './compose.ts';
import { loadSweepConfig } from './config.ts';

const config = loadSweepConfig(process.env);

const access = clientSettings({ region: config.AWS_REGION });
const sageMaker = new SageMakerClient(access);
const scaling = new ApplicationAutoScalingClient(access);

/** Lambda's entry: the schedule, each minute. */
export const handler = composeSweep(config, {
  ...createPlatform('sweep', config.AWS_REGION),
  endpointControl: (variant) => createEndpointControl({ sageMaker, scaling, variant }),
});
