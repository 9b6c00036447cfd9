import {
  DeleteCommand,
  PutCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { TABLE_SCHEMA } from '#shared/adapters/dynamo/table-schema.ts';
import type { Attributes } from './expressions.ts';
import type { MemoryDynamo } from './memory-dynamo.ts';
import type { WriteRequest } from './memory-table.ts';

const UNIT_BYTES = 1024;

/**
 * Counts the write units that DynamoDB would bill: one for each kilobyte of an item as it was or as it is,
 * whichever is more; twice that in a transaction; and one for each index that an item enters, leaves or
 * changes its attributes in, two where it changes its place. Sizes are those of the JSON, about what the
 * service counts.
 */
export function countWriteUnits(service: MemoryDynamo) {
  let units = 0;
  const count = (request: WriteRequest, before: Attributes | undefined, times: number): void => {
    const after = service.table.getItem(service.table.itemOf(request));
    units += times * kilobytes(before, after);
    for (const index of TABLE_SCHEMA.indexes) units += indexUnits(index, before, after);
  };
  return {
    units: () => units,
    async send(command: unknown): Promise<unknown> {
      const requests = requestsOf(command);
      const before = requests.map((request) =>
        service.table.getItem(service.table.itemOf(request)),
      );
      const answer = await service.send(command);
      const times = command instanceof TransactWriteCommand ? 2 : 1;
      for (const [i, request] of requests.entries()) count(request, before[i], times);
      return answer;
    },
  };
}

function requestsOf(command: unknown): readonly WriteRequest[] {
  if (command instanceof TransactWriteCommand) {
    return (command.input.TransactItems ?? []).map(
      ({ Put, Update, Delete }) => (Put ?? Update ?? Delete) as WriteRequest,
    );
  }
  const isWrite =
    command instanceof PutCommand ||
    command instanceof UpdateCommand ||
    command instanceof DeleteCommand;
  return isWrite ? [command.input as WriteRequest] : [];
}

function kilobytes(...items: readonly (Attributes | undefined)[]): number {
  const sizes = items.map((item) => (item === undefined ? 1 : JSON.stringify(item).length));
  return Math.ceil(Math.max(...sizes) / UNIT_BYTES);
}

function indexUnits(
  index: (typeof TABLE_SCHEMA)['indexes'][number],
  before: Attributes | undefined,
  after: Attributes | undefined,
): number {
  const place = (item: Attributes | undefined) =>
    item?.[index.partitionKey] === undefined
      ? undefined
      : JSON.stringify([item[index.partitionKey], item[index.sortKey]]);
  const rest = (item: Attributes | undefined) =>
    JSON.stringify(index.include.map((name) => item?.[name]));
  const [from, to] = [place(before), place(after)];
  if (from === to) return from !== undefined && rest(before) !== rest(after) ? 1 : 0;
  return (from === undefined ? 0 : 1) + (to === undefined ? 0 : 1);
}
