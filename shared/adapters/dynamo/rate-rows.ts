import type { DynamoTable } from './dynamo-table.ts';
import { itemKeys } from './item-keys.ts';

/** How long a bucket takes to fill. Microseconds, so that a token's cost is a whole number. */
export const MINUTE_MICROS = 60_000_000;
const KEEP_SECONDS = 3_600;
/** Rounds of two writes and a read; each that fails has let another process through. */
const ROUNDS = 8;

export interface RateRequest {
  readonly perMinute: number;
  /** How many tokens are wanted, at least one. */
  readonly most: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** Buckets that several processes share. */
export interface RateRows {
  /**
   * Takes up to `most` tokens of a name's bucket.
   *
   * @returns how many were taken, and when the bucket is full again, in microseconds
   */
  take(
    name: string,
    request: RateRequest,
  ): Promise<{ readonly taken: number; readonly fullAt: number }>;
}

/** How much longer a bucket takes to be full once a token was taken. */
export function costOfToken(perMinute: number): number {
  return Math.max(1, Math.floor(MINUTE_MICROS / perMinute));
}

/**
 * Buckets in the table. One number each: when the bucket is full again. Tokens taken move it on, and it
 * is never more than a minute ahead (the generic cell rate algorithm), so a condition on that number is
 * all that holds writers apart.
 */
export function createRateRows(table: DynamoTable): RateRows {
  const read = async (name: string): Promise<number> =>
    Number((await table.get(itemKeys.rate(name)))?.['fullAt'] ?? 0);

  /** Moves a bucket's number on; undefined when the bucket has too few tokens for that. */
  const spend = async (name: string, now: number, cost: number): Promise<number | undefined> => {
    const update = itemKeys.rate(name);
    const ttl = Math.ceil((now + MINUTE_MICROS) / 1_000_000) + KEEP_SECONDS;
    const values = { ':cost': cost, ':now': now, ':ttl': ttl };
    const after =
      (await table.update({
        update,
        expression: 'SET fullAt = fullAt + :cost, #ttl = :ttl',
        condition: 'fullAt >= :now AND fullAt <= :latest',
        values: { ...values, ':latest': now + MINUTE_MICROS - cost },
      })) ??
      (await table.update({
        update,
        expression: 'SET fullAt = :now + :cost, #ttl = :ttl',
        condition: 'attribute_not_exists(pk) OR fullAt < :now',
        values,
      }));
    return after && Number(after['fullAt']);
  };

  return {
    async take(name, request) {
      const now = request.now * 1000;
      const each = costOfToken(request.perMinute);
      let wanted = request.most;
      let fullAt = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const after = await spend(name, now, wanted * each);
        if (after !== undefined) return { taken: wanted, fullAt: after };
        fullAt = await read(name);
        wanted = Math.min(wanted, Math.floor((now + MINUTE_MICROS - Math.max(fullAt, now)) / each));
        if (wanted < 1) break;
      }
      return { taken: 0, fullAt };
    },
  };
}
