import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { createDynamoTable, type Write } from '#shared/adapters/dynamo/dynamo-table.ts';

type Answer = (input: Record<string, unknown>) => unknown;

/** A table whose client gives these answers, the last one for ever. */
function world(...answers: Answer[]) {
  const inputs: Record<string, unknown>[] = [];
  const waits: number[] = [];
  const client = {
    send: async ({ input }: { input: Record<string, unknown> }) => {
      inputs.push(input);
      return answers[Math.min(inputs.length, answers.length) - 1]?.(input) ?? {};
    },
  } as unknown as DynamoDBDocumentClient;
  const table = createDynamoTable({
    client,
    tableName: 'table',
    sleep: async (ms) => void waits.push(ms),
    random: () => 1,
  });
  return { table, inputs, waits };
}

const metadata = { message: 'canceled', $metadata: {} };
const canceled = (...codes: string[]): Answer => {
  const CancellationReasons = codes.map((Code) => ({ Code }));
  return () => {
    throw new TransactionCanceledException({ ...metadata, CancellationReasons });
  };
};
const named =
  (name: string): Answer =>
  () => {
    throw Object.assign(new Error(name), { name });
  };

const TWO: Write[] = [{ put: { pk: 'a', sk: 'b' } }, { put: { pk: 'c', sk: 'd' } }];

describe('a write that meets another one', () => {
  it.each([
    ['a conflict', canceled('None', 'TransactionConflict')],
    ['a throttled action', canceled('ThrottlingError', 'None')],
    ['its own earlier attempt, which is still under way', named('TransactionInProgressException')],
  ])('is made again after %s', async (_, first) => {
    const { table, inputs, waits } = world(first, first, () => ({}));
    expect(await table.write(TWO)).toBe(true);
    expect(inputs).toHaveLength(3);
    // With jitter up to these, and longer each time.
    expect(waits).toEqual([20, 40]);
  });

  it('is "unavailable" when they never end, after waits of a second at most', async () => {
    const { table, inputs, waits } = world(canceled('TransactionConflict'));
    await expect(table.write(TWO)).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    expect(inputs).toHaveLength(40);
    expect(Math.max(...waits)).toBe(1_000);
  });

  it.each([
    ['alone', () => canceled('ConditionalCheckFailed', 'None')],
    ['beside a conflict', () => canceled('TransactionConflict', 'ConditionalCheckFailed')],
  ])('is false when a condition does not hold, %s', async (_, answer) => {
    const { table, inputs } = world(answer());
    expect(await table.write(TWO)).toBe(false);
    expect(inputs).toHaveLength(1);
  });

  it("is false when a single write's condition does not hold", async () => {
    const { table } = world(() => {
      throw new ConditionalCheckFailedException(metadata);
    });
    expect(await table.write(TWO.slice(0, 1))).toBe(false);
  });

  it.each(['ValidationError', 'ItemCollectionSizeLimitExceeded'])(
    'throws what is our own fault: %s',
    async (code) => {
      const { table, inputs } = world(canceled(code));
      await expect(table.write(TWO)).rejects.toThrow();
      expect(inputs).toHaveLength(1);
    },
  );
});

describe('reads', () => {
  const keys = Array.from({ length: 250 }, (_, n) => ({ pk: `p${n}`, sk: 's' }));
  const requested = (input: Record<string, unknown>) => {
    const { table } = input['RequestItems'] as { table: { Keys: typeof keys } };
    return table.Keys;
  };

  it('of many keys go in hundreds, and again for what was left unprocessed', async () => {
    const { table, inputs, waits } = world((input) => {
      const wanted = requested(input);
      const done = wanted.slice(0, 60);
      return {
        Responses: { table: done },
        UnprocessedKeys: done.length < wanted.length ? { table: { Keys: wanted.slice(60) } } : {},
      };
    });
    expect(await table.getMany(keys)).toEqual(keys);
    expect(inputs.map((input) => requested(input).length)).toEqual([100, 40, 100, 40, 50]);
    expect(waits).toHaveLength(2);
  });

  it('of a key that an index named twice are one, which DynamoDB insists on', async () => {
    const [first, second] = [
      { pk: 'p0', sk: 's' },
      { pk: 'p1', sk: 's' },
    ];
    const { table, inputs } = world(() => ({ Responses: { table: [second, first] } }));
    expect(await table.getMany([first, second, first])).toEqual([first, second]);
    expect(inputs.map(requested)).toEqual([[first, second]]);
  });

  it('of a partition go on page after page, also through empty ones', async () => {
    const page = (Items: unknown[], last?: string): Answer => {
      return () => ({ Items, ...(last === undefined ? {} : { LastEvaluatedKey: { pk: last } }) });
    };
    const { table, inputs } = world(page([keys[0]], 'x'), page([], 'y'), page([keys[1]]));
    const found = [];
    for await (const item of table.query({ pk: 'p' })) found.push(item);
    expect(found).toEqual([keys[0], keys[1]]);
    expect(inputs.map((input) => input['ExclusiveStartKey'])).toEqual([
      undefined,
      { pk: 'x' },
      { pk: 'y' },
    ]);
    expect(inputs.every((input) => input['ConsistentRead'] === true)).toBe(true);
  });

  it('between bounds that nothing lies between ask nobody', async () => {
    const { table, inputs } = world();
    expect(await table.query({ pk: 'p', from: 'b', to: 'a' }).next()).toMatchObject({ done: true });
    expect(inputs).toEqual([]);
  });
});
