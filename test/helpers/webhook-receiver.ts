import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedWebhook {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Takes every webhook that comes, on this machine. */
export async function startWebhookReceiver() {
  const received: ReceivedWebhook[] = [];
  const server = createServer((incoming, outgoing) => {
    let body = '';
    incoming.on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => {
      outgoing.end();
      received.push({ headers: incoming.headers as Record<string, string>, body });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received: received as readonly ReceivedWebhook[],
    /** The first of an event, once it has come. */
    async first(event: string): Promise<ReceivedWebhook> {
      for (;;) {
        const found = received.find(({ headers }) => eventOf(headers) === event);
        if (found !== undefined) return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    events: () => received.map(({ headers }) => eventOf(headers)),
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** Ids are `msg_<prediction>_<event>`, with a time behind where an event comes more than once. */
function eventOf(headers: Record<string, string>): string {
  return headers['webhook-id']?.split('_')[2] ?? '';
}
