import type { EndpointRows, StoredEndpointRow } from '#shared/service/ports/endpoint-control.ts';
import type { DynamoTable } from './dynamo-table.ts';
import { itemKeys } from './item-keys.ts';

/** Rows of endpoints in the table; each write is conditional on the version that was read. */
export function createEndpointRows(table: DynamoTable): EndpointRows {
  return {
    async get(endpoint) {
      return (await table.get(itemKeys.endpoint(endpoint)))?.['row'] as
        | StoredEndpointRow
        | undefined;
    },
    put(endpoint, row, expected) {
      const stored: StoredEndpointRow = { ...row, version: (expected ?? 0) + 1 };
      const item = { ...itemKeys.endpoint(endpoint), version: stored.version, row: stored };
      const isFirst = expected === undefined;
      return table.write([
        isFirst
          ? { put: item, condition: 'attribute_not_exists(pk)' }
          : { put: item, condition: '#version = :version', values: { ':version': expected } },
      ]);
    },
  };
}
