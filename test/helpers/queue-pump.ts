import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { QueueAnswer, QueueEvent } from '#shared/adapters/aws/queue-event.ts';

export interface QueuePump {
  /** How many messages were handled and deleted. */
  handled(): number;
  stop(): Promise<void>;
}

/** Does what an event source mapping does: batches in, deletes what did not fail. */
export function startQueuePump(
  client: SQSClient,
  queueUrl: string,
  handle: (event: QueueEvent) => Promise<QueueAnswer | undefined>,
): QueuePump {
  let stopped = false;
  let handled = 0;
  const turn = async () => {
    const { Messages: messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 0,
      }),
    );
    if (messages.length === 0) return new Promise<void>((resolve) => setTimeout(resolve, 60));
    const records = messages.map(({ MessageId = '', Body = '' }) => ({
      messageId: MessageId,
      body: Body,
    }));
    let failed = new Set<string>();
    try {
      const answer = await handle({ Records: records });
      failed = new Set(answer?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    } catch {
      failed = new Set(records.map(({ messageId }) => messageId));
    }
    for (const { MessageId = '', ReceiptHandle } of messages) {
      const message = { QueueUrl: queueUrl, ReceiptHandle };
      if (failed.has(MessageId)) {
        await client.send(new ChangeMessageVisibilityCommand({ ...message, VisibilityTimeout: 1 }));
      } else {
        await client.send(new DeleteMessageCommand(message));
        handled++;
      }
    }
  };
  const run = async () => {
    while (!stopped) await turn();
  };
  const running = run();
  return {
    handled: () => handled,
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}
