import { ArnFormat, type Stack } from 'aws-cdk-lib';
import { type DeployedModel, hasInstances } from '#shared/adapters/aws/environment.ts';
import { defined } from '#shared/core/defined.ts';
import { assert } from '#shared/core/errors.ts';
import { parseUsd } from '#shared/core/money.ts';
import { endpointName } from '#shared/deployment/names.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';

/** The models as the functions' variable `MODELS` tells them. */
export function deployedModels(settings: DeploymentSettings): DeployedModel[] {
  return settings.models.map((model) => {
    const price = parseUsd(model.priceUsd);
    assert(price !== undefined, `${model.priceUsd} is no amount`);
    return {
      name: model.name,
      digest: model.digest,
      endpoint: endpointName(settings.stage, model.name),
      maxInstances: model.maxInstances,
      ...(model.compute === 'lambda' && { compute: model.compute }),
      ...defined({ idleMinutes: model.idleMinutes, warm: model.warm }),
      price,
    };
  });
}

/** The ARNs of the models' endpoints, before these exist. SageMaker writes names in ARNs in lower case. */
export function endpointArns(stack: Stack, settings: DeploymentSettings): string[] {
  return deployedModels(settings)
    .filter(hasInstances)
    .map(({ endpoint }) =>
      stack.formatArn({
        service: 'sagemaker',
        resource: 'endpoint',
        resourceName: endpoint.toLowerCase(),
      }),
    );
}

/** The ARNs of the functions that draw, before these exist. */
export function drawingFunctionArns(stack: Stack, settings: DeploymentSettings): string[] {
  return deployedModels(settings)
    .filter((model) => !hasInstances(model))
    .map(({ endpoint }) =>
      stack.formatArn({
        service: 'lambda',
        resource: 'function',
        resourceName: endpoint,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    );
}
