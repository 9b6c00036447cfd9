import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

/**
 * Tells another function that there is something to do. Never throws: a function that could not be
 * woken is woken by the sweep.
 */
export type Wake = () => Promise<void>;

/**
 * Wakes the function behind an SQS queue. The message says nothing: what is to be done lies in the
 * table, so a lost, repeated or late message does no harm.
 */
export function createWake(deps: {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly onError: (error: unknown, what: string) => void;
}): Wake {
  return async () => {
    try {
      await deps.client.send(
        new SendMessageCommand({ QueueUrl: deps.queueUrl, MessageBody: '{}' }),
      );
    } catch (error) {
      deps.onError(error, 'waking a function');
    }
  };
}
