import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export type Outputs = Readonly<Record<string, string>>;

export interface AccountStandIn {
  readonly url: string;
  /** Names of the stacks that are there. */
  readonly stacks: () => readonly string[];
  stop(): Promise<void>;
}

/**
 * The parts of a new account that decide how it is deployed to: CloudFormation's stacks, quotas without a
 * GPU, ten Lambdas, no distribution.
 *
 * @param create makes what a stack consists of, and resolves to its outputs; called once for each
 */
export async function startAccount(
  create: (stack: string, assembly: string) => Promise<Outputs>,
): Promise<AccountStandIn> {
  const stacks = new Map<string, Outputs>();
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
    const order = JSON.parse(body) as {
      bootstrap?: string;
      stacks?: string[];
      assembly?: string;
    };
    if (order.bootstrap !== undefined) {
      stacks.set(`CDKToolkit ${order.bootstrap.split('/').at(-1)}`, {});
      return;
    }
    for (const id of order.stacks ?? []) {
      await ensure(`onestep-dev-${id.replace('Onestep', '').toLowerCase()}`, order.assembly ?? '');
    }
  };
  const server = createServer((request, response) => {
    answer(request, response, stacks, deploy).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stacks: () => [...stacks.keys()],
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  stacks: ReadonlyMap<string, Outputs>,
  deploy: (body: string) => Promise<void>,
): Promise<void> {
  const { url = '', headers } = request;
  const body = await text(request);
  const json = (value: unknown) => response.end(JSON.stringify(value));
  if (url === '/deploy') {
    await deploy(body);
    response.end();
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
