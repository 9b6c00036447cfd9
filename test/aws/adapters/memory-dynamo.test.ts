import {
  BatchGetCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { createDynamoClient } from '#shared/adapters/aws/aws-clients.ts';
import { accessTo, createEmptyTable } from '#test/helpers/aws-stand-ins.ts';
import {
  createMemoryDynamo,
  type MemoryDynamo,
} from '#test/helpers/memory-dynamo/memory-dynamo.ts';
import { createRandom, type Random } from '#test/simulation/random.ts';

/** What the simulation stands on: the same calls have the same answers in memory and in DynamoDB Local. */
describe('DynamoDB in memory', () => {
  let local: DynamoDBDocumentClient;
  let memory: MemoryDynamo;
  let TableName: string;

  beforeAll(async () => {
    local = createDynamoClient(accessTo('dynamoDb'));
    TableName = await createEmptyTable();
    memory = createMemoryDynamo({ now: Date.now });
  });

  /** The answer of both to one call. */
  const both = async (command: unknown) => {
    const ours = await outcomeOf(() => memory.send(command));
    const theirs = await outcomeOf(() => local.send(command as GetCommand));
    return { ours, theirs };
  };
  const same = async (command: unknown, name: string) => {
    const { ours, theirs } = await both(command);
    expect(ours, name).toEqual(theirs);
    return ours;
  };

  it('answers 1,500 random calls as DynamoDB Local does', async () => {
    const random = createRandom(17);
    for (let step = 0; step < 1500; step++) {
      const command = anyCommand(random, TableName);
      await same(command, `step ${step}: ${JSON.stringify(command.input)}`);
    }
    for (const partition of PARTITIONS) {
      for (const IndexName of [undefined, 'queue', 'due']) {
        const found = [await pages(memory.send), await pages((c) => local.send(c as GetCommand))];
        expect(found[0], `${IndexName} ${partition}`).toEqual(found[1]);
        async function pages(send: (command: unknown) => Promise<unknown>) {
          const items: unknown[] = [];
          const input = { TableName, ...keysOf(partition, IndexName), Limit: 2 };
          for (let start: Record<string, unknown> | undefined; ; ) {
            const command = new QueryCommand({ ...input, ExclusiveStartKey: start });
            const page = (await send(command)) as { Items: unknown[]; LastEvaluatedKey?: never };
            items.push(...page.Items);
            start = page.LastEvaluatedKey;
            if (start === undefined) return items;
          }
        }
      }
    }
  });

  it('takes a repeated token for the transaction that it was', async () => {
    const transaction = (by: number, ClientRequestToken: string) =>
      new TransactWriteCommand({
        ClientRequestToken,
        TransactItems: [
          {
            Update: {
              TableName,
              Key: { pk: 'TOKEN', sk: 'COUNT' },
              UpdateExpression: 'ADD #count :by',
              ExpressionAttributeNames: { '#count': 'count' },
              ExpressionAttributeValues: { ':by': by },
            },
          },
          { Put: { TableName, Item: { pk: 'TOKEN', sk: 'NOTE', by } } },
        ],
      });
    const read = new GetCommand({ TableName, Key: { pk: 'TOKEN', sk: 'COUNT' } });
    await same(transaction(2, 'first'), 'a transaction');
    await same(transaction(2, 'first'), 'the same again');
    expect(await same(read, 'after both')).toMatchObject({ Item: { count: 2 } });
    expect(await same(transaction(3, 'first'), 'another under its token')).toBe(
      'IdempotentParameterMismatchException',
    );
    await same(transaction(3, 'second'), 'another');
    expect(await same(read, 'after all')).toMatchObject({ Item: { count: 5 } });
  });

  it('judges a transaction anew that was cancelled under its token', async () => {
    const transaction = new TransactWriteCommand({
      ClientRequestToken: 'canceled',
      TransactItems: [
        {
          Put: {
            TableName,
            Item: { pk: 'TOKEN', sk: 'LATER' },
            ConditionExpression: 'attribute_not_exists(pk)',
          },
        },
        { Put: { TableName, Item: { pk: 'TOKEN', sk: 'NOTE' } } },
      ],
    });
    await same(new PutCommand({ TableName, Item: { pk: 'TOKEN', sk: 'LATER' } }), 'in its way');
    expect(await same(transaction, 'refused')).toEqual(['ConditionalCheckFailed', 'None']);
    await same(new DeleteCommand({ TableName, Key: { pk: 'TOKEN', sk: 'LATER' } }), 'out of it');
    await same(transaction, 'accepted');
  });

  it('lets one of many transactions at one item through at a time', async () => {
    const bump = (n: number) =>
      new TransactWriteCommand({
        TransactItems: [
          { Put: { TableName, Item: { pk: 'BUMP', sk: String(n) } } },
          {
            Update: {
              TableName,
              Key: { pk: 'BUMP', sk: 'COUNT' },
              UpdateExpression: 'ADD #count :one',
              ExpressionAttributeNames: { '#count': 'count' },
              ExpressionAttributeValues: { ':one': 1 },
            },
          },
        ],
      });
    for (const send of [memory.send, (c: unknown) => local.send(c as GetCommand)]) {
      const ends = await Promise.all(
        Array.from({ length: 20 }, (_, n) => outcomeOf(() => send(bump(n)))),
      );
      const through = ends.filter((end) => typeof end === 'object' && !Array.isArray(end));
      const collided = ends.filter((end) => Array.isArray(end));
      expect(through.length + collided.length).toBe(20);
      for (const codes of collided) expect(codes).toContain('TransactionConflict');
      const read = await send(new GetCommand({ TableName, Key: { pk: 'BUMP', sk: 'COUNT' } }));
      expect(read).toMatchObject({ Item: { count: through.length } });
      const notes = await send(new QueryCommand({ TableName, ...keysOf('BUMP', undefined) }));
      expect(notes).toMatchObject({ Count: through.length + 1 });
    }
  });
});

/** An answer without its metadata and its price, which Local tells unasked; or what went wrong. */
async function outcomeOf(act: () => Promise<unknown>): Promise<unknown> {
  try {
    const {
      $metadata: _,
      ConsumedCapacity: __,
      ...answer
    } = (await act()) as Record<string, unknown>;
    return JSON.parse(JSON.stringify(answer));
  } catch (error) {
    const { name, CancellationReasons: reasons } = error as Error & {
      CancellationReasons?: readonly { readonly Code?: string }[];
    };
    const codes = reasons?.map(({ Code }) => Code);
    // Local says so of the whole call, where the service names the write.
    return codes?.includes('ValidationError') ? 'ValidationException' : (codes ?? name);
  }
}

const PARTITIONS = ['A', 'B', 'C'] as const;
type Partition = (typeof PARTITIONS)[number];
const SORTS = ['x#1', 'x#2', 'x#3', 'y'] as const;
const CONDITIONS = [
  undefined,
  'attribute_not_exists(pk)',
  'attribute_exists(pk)',
  'version = :number',
  'attribute_not_exists(spent) OR spent <= :number',
  'attribute_exists(pk) AND spent >= :number AND version = :number',
  '(spent < :number OR version > :number) AND attribute_exists(spent)',
] as const;
const UPDATES = [
  'SET version = :number',
  'SET spent = spent + :number, version = :number',
  'SET version = :number ADD spent :number',
  'SET version = version - :number REMOVE duePk, dueSk',
  'SET duePk = :text, dueSk = :unique, leased = :yes',
  'REMOVE leased ADD spent :number',
] as const;

function keysOf(partition: string, IndexName: string | undefined) {
  const name = IndexName === undefined ? 'pk' : `${IndexName}Pk`;
  return {
    ...(IndexName !== undefined && { IndexName }),
    KeyConditionExpression: `${name} = :pk`,
    ExpressionAttributeValues: { ':pk': partition },
  };
}

function anyCommand(random: Random, TableName: string) {
  const Key = (pk = random.pick(PARTITIONS)) => ({ pk, sk: random.pick(SORTS) });
  // Among equal sort keys an index may have any order.
  const unique = () => `${random.below(9)}#${random.next()}`;
  const values = (text: string) => {
    const all = {
      ':number': random.below(4),
      ':text': random.pick(PARTITIONS),
      ':unique': unique(),
      ':yes': true,
    };
    const used = Object.entries(all).filter(([name]) => text.includes(name));
    return used.length === 0 ? {} : { ExpressionAttributeValues: Object.fromEntries(used) };
  };
  const conditioned = () => {
    const ConditionExpression = random.pick(CONDITIONS);
    return ConditionExpression === undefined ? {} : { ConditionExpression };
  };
  const withValues = <T extends object>(request: T) => ({
    ...request,
    ...values(JSON.stringify(request)),
  });
  const put = (partition?: Partition) =>
    withValues({
      TableName,
      Item: {
        ...Key(partition),
        version: random.below(4),
        ...(random.chance(0.5) && { spent: random.below(4) }),
        ...(random.chance(0.5) && {
          queuePk: random.pick(PARTITIONS),
          queueSk: unique(),
        }),
        ...(random.chance(0.5) && { duePk: random.pick(PARTITIONS), dueSk: unique() }),
        ...(random.chance(0.3) && { leased: true }),
        job: { nested: [random.below(9)], left: undefined },
      },
      ...conditioned(),
    });
  const update = (partition?: Partition) =>
    withValues({
      TableName,
      Key: Key(partition),
      UpdateExpression: random.pick(UPDATES),
      ...conditioned(),
    });
  const remove = (partition?: Partition) =>
    withValues({ TableName, Key: Key(partition), ...conditioned() });
  switch (random.below(8)) {
    case 0:
      return new PutCommand(put());
    case 1:
      return new UpdateCommand({ ...update(), ReturnValues: 'ALL_NEW' });
    case 2:
      return new DeleteCommand(remove());
    case 3:
      return new GetCommand({ TableName, Key: Key(), ConsistentRead: true });
    case 4: {
      const [a, b] = [Key(), { pk: 'D', sk: 'none' }];
      return new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [a, b] } } });
    }
    case 5: {
      const IndexName = random.pick([undefined, 'queue', 'due'] as const);
      const filter = random.pick([undefined, 'attribute_exists(leased)'] as const);
      return new QueryCommand({
        TableName,
        ...keysOf(random.pick(PARTITIONS), IndexName),
        ...(IndexName === 'due' && filter !== undefined && { FilterExpression: filter }),
        ScanIndexForward: IndexName !== undefined || random.chance(0.5),
        ...(random.chance(0.3) && { Select: 'COUNT' as const }),
      });
    }
    default:
      return new TransactWriteCommand({
        TransactItems: [{ Put: put('A') }, { Update: update('B') }, { Delete: remove('C') }],
      });
  }
}
