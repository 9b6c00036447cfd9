import type { LambdaClient } from '@aws-sdk/client-lambda';
import { handler } from '#functions/inspect/main.ts';

/** Lambda with the function that reads images, in this process: JSON in, JSON out, errors as Lambda tells them. */
export function inspectLambda(): LambdaClient {
  const client = {
    async send({ input }: { input: { Payload: Uint8Array } }) {
      const event = JSON.parse(Buffer.from(input.Payload).toString());
      try {
        return { Payload: Buffer.from(JSON.stringify(await handler(event))) };
      } catch (error) {
        const said = { errorType: 'Error', errorMessage: String(error) };
        return { FunctionError: 'Unhandled', Payload: Buffer.from(JSON.stringify(said)) };
      }
    },
  };
  return client as unknown as LambdaClient;
}
