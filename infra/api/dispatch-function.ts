import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { DispatchEnv } from '#functions/dispatch/config.ts';
import { consumeFrom } from '#infra/constructs/consume-from.ts';
import type { OnestepStack } from '#infra/constructs/onestep-stack.ts';
import type { OwnEnvironment } from '#infra/constructs/own-environment.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';
import type { DataStack } from '#infra/data/data-stack.ts';
import { grantSettling, grantTable } from '#infra/data/grants.ts';
import { deployedModels, drawingFunctionArns, endpointArns } from './deployed-models.ts';

/** Concurrent executions: the second takes over while the first ends; the table decides who gets a job. */
const DISPATCHERS = 2;

/** The dispatcher: the only one that may order from SageMaker. */
export function createDispatchFunction(
  stack: OnestepStack,
  data: DataStack,
  code: Code,
): ServiceFunction {
  const { settings } = stack;
  const environment: OwnEnvironment<DispatchEnv> = {
    TABLE_NAME: data.table.tableName,
    OUTPUT_BUCKET_NAME: data.outputBucket.bucketName,
    MODELS: JSON.stringify(deployedModels(settings)),
  };
  const dispatch = new ServiceFunction(stack, 'Dispatch', settings, {
    name: 'dispatch',
    code,
    description: 'Gives waiting jobs to SageMaker, fair by account.',
    memoryMib: 512,
    environment,
    reservedConcurrency: DISPATCHERS,
    whyNoDlq: 'Reads a queue, which has its own dead-letter queue.',
  });
  consumeFrom(dispatch, data.dispatchQueue, { maxConcurrency: DISPATCHERS });
  grantTable(dispatch, data);
  grantSettling(dispatch, data);
  const endpoints = endpointArns(stack, settings);
  if (endpoints.length > 0) dispatch.grant(['sagemaker:InvokeEndpointAsync'], endpoints);
  const functions = drawingFunctionArns(stack, settings);
  if (functions.length > 0) dispatch.grant(['lambda:InvokeFunction'], functions);
  return dispatch;
}
