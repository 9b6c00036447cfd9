import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';

/** What cancelled a transaction, as codes such as `ConditionalCheckFailed`. */
function cancellations(error: unknown): readonly string[] {
  if (!(error instanceof TransactionCanceledException)) return [];
  return (error.CancellationReasons ?? []).map((reason) => reason.Code ?? 'None');
}

/** Whether a write was refused because its condition did not hold. */
export function isConditionFailure(error: unknown): boolean {
  return (
    error instanceof ConditionalCheckFailedException ||
    cancellations(error).includes('ConditionalCheckFailed')
  );
}

const PASSING = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];
const PASSING_ERRORS = ['TransactionConflictException', 'TransactionInProgressException'];

/** Whether the same write may succeed in a moment: another one was at the same items. */
export function isConflict(error: unknown): boolean {
  if (error instanceof Error && PASSING_ERRORS.includes(error.name)) return true;
  return cancellations(error).some((code) => PASSING.includes(code));
}
