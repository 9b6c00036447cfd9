import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { OnestepStack } from '#infra/constructs/onestep-stack.ts';
import { ServiceFunction } from '#infra/constructs/service-function.ts';

/** Decodes images that are to be verified: from anyone, so it is granted nothing. */
export function createInspectFunction(stack: OnestepStack, code: Code): ServiceFunction {
  return new ServiceFunction(stack, 'Inspect', stack.settings, {
    name: 'inspect',
    code,
    description: 'Reads manifest, receipt and watermark of an image that is to be verified.',
    // One whole processor: the work is arithmetic.
    memoryMib: 1769,
    whyNoDlq: 'The API alone invokes it, synchronously: who called sees the error.',
  });
}
