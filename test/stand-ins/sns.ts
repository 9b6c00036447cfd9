/** The little of SNS that a test's own side needs, in its query protocol. */
export interface Sns {
  createTopic(name: string): Promise<string>;
  /** Subscribes a queue; its messages are SNS's own envelope unless `raw`. */
  subscribe(topicArn: string, queueArn: string, raw: boolean): Promise<void>;
  publish(topicArn: string, message: string): Promise<void>;
}

export function createSns(endpoint: string): Sns {
  const call = async (action: string, fields: Record<string, string>): Promise<string> => {
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization:
          'AWS4-HMAC-SHA256 Credential=standin/20260101/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: new URLSearchParams({ Action: action, Version: '2010-03-31', ...fields }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${action}: ${answer.status} ${text}`);
    return text;
  };
  return {
    createTopic: async (name) => {
      const text = await call('CreateTopic', { Name: name });
      return /<TopicArn>(.+)<\/TopicArn>/.exec(text)?.[1] ?? '';
    },
    subscribe: async (topicArn, queueArn, raw) => {
      await call('Subscribe', {
        TopicArn: topicArn,
        Protocol: 'sqs',
        Endpoint: queueArn,
        'Attributes.entry.1.key': 'RawMessageDelivery',
        'Attributes.entry.1.value': String(raw),
      });
    },
    publish: async (topicArn, message) => {
      await call('Publish', { TopicArn: topicArn, Message: message });
    },
  };
}
