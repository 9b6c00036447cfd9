import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export type Outputs = Readonly<Record<string, string>>;

export interface AccountStandIn {
  readonly url: string;
  /** Names of the stacks that are there. */
  readonly stacks: () => readonly string[];
  /** Each order to deploy, with the words that the CDK's command line was called with. */
  readonly orders: readonly Order[];
  /** Each function that was invoked, with its event. */
  readonly invocations: readonly { readonly name: string; readonly event: unknown }[];
  stop(): Promise<void>;
}

interface Order {
  readonly bootstrap?: string;
  readonly stacks?: readonly string[];
  readonly assembly?: string;
  readonly words?: readonly string[];
}

/**
 * The parts of a new account that decide how it is deployed to: CloudFormation's stacks, quotas without a
 * GPU, ten Lambdas, no distribution.
 *
 * @param create makes what a stack consists of, and resolves to its outputs; called once for each
 * @param there stacks that were deployed before, with their outputs
 */
export async function startAccount(
  create: (stack: string, assembly: string) => Promise<Outputs>,
  there: Readonly<Record<string, Outputs>> = {},
): Promise<AccountStandIn> {
  const stacks = new Map(Object.entries(there));
  const orders: Order[] = [];
  const invocations: { name: string; event: unknown }[] = [];
  const creating = new Map<string, Promise<void>>();
  /** As CloudFormation does, it goes on when who asked is gone, and whoever asks again waits. */
  const ensure = (stack: string, assembly: string) => {
    const known = creating.get(stack);
    if (known !== undefined) return known;
    const created = create(stack, assembly).then((outputs) => void stacks.set(stack, outputs));
    creating.set(stack, created);
    return created;
  };
  const deploy = async (body: string) => {
    const order = JSON.parse(body) as Order;
    orders.push(order);
    if (order.bootstrap !== undefined) {
      stacks.set(`CDKToolkit ${order.bootstrap.split('/').at(-1)}`, {});
      return;
    }
    for (const id of order.stacks ?? []) {
      await ensure(`onestep-dev-${id.replace('Onestep', '').toLowerCase()}`, order.assembly ?? '');
    }
  };
  const server = createServer((request, response) => {
    answer(request, response, { stacks, deploy, invocations }).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stacks: () => [...stacks.keys()],
    orders,
    invocations,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Account {
  readonly stacks: ReadonlyMap<string, Outputs>;
  readonly deploy: (body: string) => Promise<void>;
  readonly invocations: { name: string; event: unknown }[];
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { stacks, deploy, invocations }: Account,
): Promise<void> {
  const { url = '', headers } = request;
  const body = await text(request);
  const [, invoked] = /\/functions\/([^/]+)\/invocations/.exec(url) ?? [];
  const json = (value: unknown) => response.end(JSON.stringify(value));
  if (url === '/deploy') {
    await deploy(body);
    response.end();
  } else if (invoked !== undefined) {
    invocations.push({ name: invoked, event: JSON.parse(body) });
    json(null);
  } else if (String(headers['x-amz-target']).startsWith('ServiceQuotas')) {
    json(quotas(String(headers['x-amz-target'])));
  } else if (url.includes('/account-settings')) {
    json({ AccountLimit: { ConcurrentExecutions: 10 } });
  } else if (url.includes('/distribution')) {
    response.end(
      '<DistributionList><Quantity>0</Quantity><IsTruncated>false</IsTruncated></DistributionList>',
    );
  } else {
    const [, region = ''] =
      /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '') ?? [];
    describeStack(new URLSearchParams(body).get('StackName') ?? '', region, stacks, response);
  }
}

/** A new account: no endpoint of any type. */
function quotas(target: string) {
  if (target.endsWith('GetServiceQuota')) return { Quota: { Value: 200 } };
  return { Quotas: [{ QuotaName: 'ml.g6.xlarge for endpoint usage', QuotaCode: 'L-1', Value: 0 }] };
}

function describeStack(
  name: string,
  region: string,
  stacks: ReadonlyMap<string, Outputs>,
  response: ServerResponse,
): void {
  const outputs = stacks.get(name === 'CDKToolkit' ? `${name} ${region}` : name);
  if (outputs === undefined) {
    const message = `Stack with id ${name} does not exist`;
    response
      .writeHead(400)
      .end(
        `<ErrorResponse><Error><Code>ValidationError</Code><Message>${message}</Message></Error></ErrorResponse>`,
      );
    return;
  }
  const members = Object.entries(outputs).map(
    ([key, value]) =>
      `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  response.end(
    `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>${name}</StackName><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  );
}
