import type { CloudResources } from './cloud-resources.ts';

/** One thing that IAM would have been asked: may this function do that to this? */
export interface CalledAction {
  readonly by: string;
  readonly action: string;
  /** As docs/iam.md names it. */
  readonly resource: string;
  /** What a condition of a grant may look at. */
  readonly leadingKey?: string;
  readonly s3Prefix?: string;
  readonly scaledDimension?: string;
}

type Input = Readonly<Record<string, unknown>>;
interface Key {
  readonly pk: string;
}
type Client = { send: (...args: never[]) => Promise<unknown> };

/** Notes what each function asks of AWS, in the terms of its role's grants. */
export function createCallRecorder(resources: CloudResources) {
  const calls = new Map<string, CalledAction>();

  const note = (call: CalledAction): void => {
    calls.set(JSON.stringify(call), call);
  };

  const ours = new Map([
    [resources.macSecret, '<data MacSecret>'],
    [resources.receiptSecret, '<data ReceiptSecret>'],
  ]);

  return {
    calls: (): readonly CalledAction[] => [...calls.values()],

    /** The same client, whose calls are noted as the function's. */
    watch<T extends Client>(by: string, client: T): T {
      return new Proxy(client, {
        get(target, property, receiver) {
          if (property !== 'send') return Reflect.get(target, property, receiver);
          return (...args: never[]) => {
            const [command] = args as unknown as [{ constructor: { name: string }; input: Input }];
            const name = command.constructor.name.replace(/^_|Command$/g, '');
            for (const asked of actionsOf(name, command.input, resources)) note({ by, ...asked });
            return target.send(...args);
          };
        },
      });
    },

    /** The same reader of secrets, whose calls are noted. */
    watchSecrets(by: string, read: (id: string) => Promise<string>) {
      return (id: string): Promise<string> => {
        const resource = ours.get(id) ?? id;
        note({ by, action: 'secretsmanager:GetSecretValue', resource });
        return read(id);
      };
    },
  };
}

function actionsOf(
  command: string,
  input: Input,
  resources: CloudResources,
): readonly Omit<CalledAction, 'by'>[] {
  switch (command) {
    case 'Get':
    case 'Update':
    case 'Delete':
      return [onItem(`${command}Item`, input['Key'] as Key)];
    case 'Put':
      return [onItem('PutItem', input['Item'] as Key)];
    case 'BatchGet':
      return Object.values(input['RequestItems'] as Record<string, { Keys: Key[] }>).flatMap(
        ({ Keys }) => Keys.map((key) => onItem('BatchGetItem', key)),
      );
    case 'Query': {
      const index = input['IndexName'];
      const resource = index === undefined ? TABLE : `${TABLE}/index/${index}`;
      return [{ action: 'dynamodb:Query', resource }];
    }
    case 'TransactWrite':
      return (input['TransactItems'] as Record<string, { Key?: Key; Item?: Key }>[]).flatMap(
        (writes) =>
          Object.entries(writes).map(([kind, { Key, Item }]) =>
            onItem(kind === 'ConditionCheck' ? 'ConditionCheckItem' : `${kind}Item`, Key ?? Item),
          ),
      );
    case 'GetObject':
    case 'HeadObject':
      return readObject(input, resources);
    case 'PutObject':
    case 'DeleteObject':
      return [{ action: `s3:${command}`, resource: objectOf(input, resources) }];
    case 'ListObjectsV2':
      return [
        {
          action: 's3:ListBucket',
          resource: bucketOf(input, resources),
          s3Prefix: String(input['Prefix']),
        },
      ];
    case 'SendMessage':
    case 'SendMessageBatch': {
      const queue = input['QueueUrl'] === resources.webhookQueue ? 'Webhook' : 'Dispatch';
      return [{ action: 'sqs:SendMessage', resource: `<data ${queue}Queue>` }];
    }
    case 'RegisterScalableTarget':
      return [
        {
          action: 'application-autoscaling:RegisterScalableTarget',
          resource: 'arn:aws:application-autoscaling:us-east-1:<account>:scalable-target/1',
          scaledDimension: String(input['ScalableDimension']),
        },
      ];
    case 'InvokeEndpointAsync':
    case 'DescribeEndpoint':
    case 'UpdateEndpointWeightsAndCapacities':
      return [
        {
          action: `sagemaker:${command}`,
          resource: 'arn:aws:sagemaker:us-east-1:<account>:endpoint/onestep-dev-onestep-demo',
        },
      ];
    default:
      throw new Error(`Nobody knows what ${command} asks of IAM. Add it here.`);
  }
}

const TABLE = '<data Table>';

function onItem(action: string, key: Key | undefined): Omit<CalledAction, 'by'> {
  // One partition stands for all of its kind.
  const leadingKey = `${key?.pk.split('#')[0]}#`;
  return { action: `dynamodb:${action}`, resource: TABLE, leadingKey };
}

/** For an object that may be absent S3 looks at the right to list it too, to say 404 and not 403. */
function readObject(input: Input, resources: CloudResources): readonly Omit<CalledAction, 'by'>[] {
  const get = { action: 's3:GetObject', resource: objectOf(input, resources) };
  if (input['Bucket'] === resources.modelBucket) return [get];
  return [
    get,
    {
      action: 's3:ListBucket',
      resource: bucketOf(input, resources),
      s3Prefix: kindOf(String(input['Key'])),
    },
  ];
}

function bucketOf(input: Input, resources: CloudResources): string {
  const use = input['Bucket'] === resources.modelBucket ? 'models' : 'outputs';
  return `arn:aws:s3:::onestep-dev-${use}-<account>-us-east-1`;
}

function objectOf(input: Input, resources: CloudResources): string {
  return `${bucketOf(input, resources)}/${kindOf(String(input['Key']))}`;
}

/** One job's and one model's objects stand for all. */
function kindOf(key: string): string {
  return key
    .replace(/^models\/[0-9a-f]{64}\//, 'models/<digest>/')
    .replace(/[0-9a-hjkmnp-tv-z]{26}/gi, '<job>');
}
