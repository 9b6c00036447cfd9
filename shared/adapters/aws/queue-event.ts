/** The part of an SQS event that matters here. */
export interface QueueEvent {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

/** Messages that the queue must redeliver. */
export interface QueueAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** Handles each message separately: one that fails is redelivered without the rest of its batch. */
export async function handleRecords(
  event: QueueEvent,
  handle: (body: string) => Promise<void>,
  onError: (error: unknown, messageId: string) => void,
): Promise<QueueAnswer> {
  const failures = await Promise.all(
    event.Records.map(async ({ messageId, body }) => {
      try {
        await handle(body);
        return [];
      } catch (error) {
        onError(error, messageId);
        return [{ itemIdentifier: messageId }];
      }
    }),
  );
  return { batchItemFailures: failures.flat() };
}
