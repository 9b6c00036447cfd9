import type { z } from 'zod';
import type { InputFault } from '#shared/core/error-body.ts';

/** The longest part of a name that is repeated. */
const MAX_NAME = 64;

/** A schema's issues with dotted paths; each unknown name is a fault of its own. */
export function toFaults(
  issues: readonly z.core.$ZodIssue[],
  prefix: readonly string[] = [],
): readonly InputFault[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path.map((part) => String(part).slice(0, MAX_NAME))];
    // For an invalid key the library says only that; the reason is in the inner issues.
    if (issue.code === 'invalid_key') {
      return [{ path: path.join('.'), message: issue.issues[0]?.message ?? issue.message }];
    }
    if (issue.code !== 'unrecognized_keys') {
      return [{ path: path.join('.') || 'body', message: issue.message }];
    }
    // The value of an unknown name is never repeated: a client once sent its own token as input.
    return issue.keys.map((key) => ({
      path: [...path, key.slice(0, MAX_NAME)].join('.'),
      message: 'is not a known name',
    }));
  });
}
