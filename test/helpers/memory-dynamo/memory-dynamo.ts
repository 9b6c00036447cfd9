import { isDeepStrictEqual } from 'node:util';
import {
  ConditionalCheckFailedException,
  IdempotentParameterMismatchException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Attributes } from './expressions.ts';
import { validationError } from './expressions.ts';
import { createMemoryTable, type MemoryTable, type WriteRequest } from './memory-table.ts';
import { query } from './query.ts';

export interface MemoryDynamo {
  /** Takes the document client's commands; throws its exceptions. */
  send(command: unknown): Promise<unknown>;
  readonly table: MemoryTable;
}

export interface MemoryDynamoOptions {
  readonly now: () => number;
  /** After how many milliseconds an index hears of a change. Default at once. */
  readonly lagMs?: () => number;
  /** Lets others have their turn: before a call has its effect, and amid a transaction. */
  readonly pause?: () => Promise<void>;
  /** How many of a batch's keys are left for the next call. Default none. */
  readonly unprocessed?: (keys: number) => number;
  /** Ends a page of a query before its limit. */
  readonly shortPage?: () => boolean;
}

/** How long the same token means the same transaction. */
const TOKEN_MS = 10 * 60_000;
const MOST_WRITES = 100;

/**
 * One DynamoDB table in memory: conditions and updates, transactions that are all or nothing and collide,
 * tokens that make a repeated transaction one, and indexes that lag behind.
 */
export function createMemoryDynamo(options: MemoryDynamoOptions): MemoryDynamo {
  const { pause = async () => {} } = options;
  const table = createMemoryTable(options);
  /** Items that a transaction under way will write. */
  const locked = new Set<string>();
  const tokens = new Map<string, { readonly writes: unknown; readonly doneAt?: number }>();

  const writeOne = async (request: WriteRequest, returnsAll: boolean): Promise<unknown> => {
    await pause();
    const change = table.prepare(request);
    if (locked.has(change.item)) {
      throw new TransactionConflictException({ ...META, message: 'Transaction is ongoing' });
    }
    if (!change.holds) {
      throw new ConditionalCheckFailedException({ ...META, message: 'The condition failed' });
    }
    const after = change.apply();
    return { ...META, ...(returnsAll && after && { Attributes: after }) };
  };

  const transact = async (requests: readonly WriteRequest[]): Promise<void> => {
    const items = requests.map(table.itemOf);
    if (requests.length > MOST_WRITES || new Set(items).size < items.length) {
      throw validationError('Too many writes, or two of one item, in a transaction');
    }
    if (items.some((item) => locked.has(item))) {
      throw canceled(items.map((item) => (locked.has(item) ? 'TransactionConflict' : 'None')));
    }
    for (const item of items) locked.add(item);
    try {
      await pause();
      const changes = requests.map((request) => prepareIn(table, request));
      if (changes.some((change) => typeof change === 'string' || !change.holds)) {
        throw canceled(
          changes.map((change) =>
            typeof change === 'string' ? change : change.holds ? 'None' : 'ConditionalCheckFailed',
          ),
        );
      }
      for (const change of changes) if (typeof change !== 'string') change.apply();
    } finally {
      for (const item of items) locked.delete(item);
    }
  };

  const transactOnce = async (input: TransactWriteCommand['input']): Promise<unknown> => {
    await pause();
    const requests = (input.TransactItems ?? []).map(
      ({ Put, Update, Delete }) => (Put ?? Update ?? Delete) as WriteRequest,
    );
    const token = input.ClientRequestToken;
    const writes = input.TransactItems;
    const known = token === undefined ? undefined : tokens.get(token);
    if (known !== undefined && !isDeepStrictEqual(known.writes, writes)) {
      throw new IdempotentParameterMismatchException({ ...META, message: 'Another transaction' });
    }
    if (known !== undefined && known.doneAt === undefined) {
      throw new TransactionInProgressException({ ...META, message: 'It is under way' });
    }
    if (known?.doneAt !== undefined && known.doneAt + TOKEN_MS > options.now()) return META;
    if (token !== undefined) tokens.set(token, { writes });
    try {
      await transact(requests);
    } catch (error) {
      if (token !== undefined) tokens.delete(token);
      throw error;
    }
    if (token !== undefined) tokens.set(token, { writes, doneAt: options.now() });
    return META;
  };

  return {
    table,
    async send(command) {
      if (command instanceof TransactWriteCommand) return transactOnce(command.input);
      if (command instanceof PutCommand) return writeOne(command.input as WriteRequest, false);
      if (command instanceof DeleteCommand) return writeOne(command.input as WriteRequest, false);
      if (command instanceof UpdateCommand) {
        const all = command.input.ReturnValues === 'ALL_NEW';
        return writeOne(command.input as WriteRequest, all);
      }
      await pause();
      if (command instanceof GetCommand) {
        const item = table.get(command.input.Key as Attributes);
        return { ...META, ...(item && { Item: item }) };
      }
      if (command instanceof BatchGetCommand) return getBatch(table, command, options);
      if (command instanceof QueryCommand) return query(table, command.input, options);
      throw validationError('A command that this table does not know');
    },
  };
}

const META = { $metadata: {} } as const;

function prepareIn(table: MemoryTable, request: WriteRequest) {
  try {
    return table.prepare(request);
  } catch (error) {
    if ((error as Error).name !== 'ValidationException') throw error;
    return 'ValidationError' as const;
  }
}

function canceled(codes: readonly string[]): TransactionCanceledException {
  return new TransactionCanceledException({
    ...META,
    message: `Transaction cancelled: ${codes.join(', ')}`,
    CancellationReasons: codes.map((Code) => ({ Code })),
  });
}

function getBatch(table: MemoryTable, { input }: BatchGetCommand, options: MemoryDynamoOptions) {
  const [[name, request] = ['', undefined]] = Object.entries(input.RequestItems ?? {});
  const keys = (request?.Keys ?? []) as readonly Attributes[];
  const names = keys.map(table.itemOf);
  if (new Set(names).size < names.length || names.length > 100) {
    throw validationError('Provided list of item keys contains duplicates, or is too long');
  }
  const taken = keys.length - (options.unprocessed?.(keys.length) ?? 0);
  const found = names.slice(0, taken).map((item) => table.getItem(item));
  const items = found.filter((item) => item !== undefined);
  const left = keys.slice(taken);
  return {
    ...META,
    Responses: { [name]: items },
    UnprocessedKeys: left.length === 0 ? {} : { [name]: { Keys: left } },
  };
}
