import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

/**
 * SQS's StartMessageMoveTask, which moto does not have, in front of moto, as its documentation says: what
 * lies in the dead letters of a queue goes back to that queue; other dead letters are refused. It can't
 * show a task that takes time, nor messages that are out of sight.
 */
export async function startRedriving(
  sqs: SQSClient,
  moto: string,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const attributesOf = async (QueueUrl: string) =>
    (await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })))
      .Attributes;
  const move = async (source: string): Promise<boolean> => {
    const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
    let dead: string | undefined;
    let queue: string | undefined;
    for (const url of QueueUrls) {
      const { QueueArn, RedrivePolicy = '{}' } = (await attributesOf(url)) ?? {};
      if (QueueArn === source) dead = url;
      if (JSON.parse(RedrivePolicy).deadLetterTargetArn === source) queue = url;
    }
    if (dead === undefined || queue === undefined) return false;
    const received = { QueueUrl: dead, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] };
    for (;;) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(received));
      if (Messages.length === 0) return true;
      for (const { Body, MessageAttributes, ReceiptHandle } of Messages) {
        const message = { QueueUrl: queue, MessageBody: Body, MessageAttributes };
        await sqs.send(new SendMessageCommand(message));
        await sqs.send(new DeleteMessageCommand({ QueueUrl: dead, ReceiptHandle }));
      }
    }
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    if (!String(request.headers['x-amz-target']).endsWith('.StartMessageMoveTask')) {
      const { authorization = '', 'x-amz-target': target = '' } = request.headers;
      const headers = { authorization, 'x-amz-target': String(target) };
      const type = { 'content-type': 'application/x-amz-json-1.0' };
      const init = { method: 'POST', headers: { ...headers, ...type }, body };
      const forwarded = await fetch(`${moto}${request.url}`, init);
      response.writeHead(forwarded.status, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(await forwarded.text());
      return;
    }
    const moved = await move(JSON.parse(body).SourceArn);
    response.writeHead(moved ? 200 : 400, { 'content-type': 'application/x-amz-json-1.0' });
    const refused = { __type: 'InvalidParameterValue', message: 'not the dead letters of a queue' };
    response.end(JSON.stringify(moved ? { TaskHandle: 'task' } : refused));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
