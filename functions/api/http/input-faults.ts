import type { z } from 'zod';
import type { InputFault } from '#shared/core/error-body.ts';

/** Longest name that is said again. */
const MAX_NAME = 64;

/** A schema's complaints with dotted paths; each unknown name is a fault of its own. */
export function toFaults(
  issues: readonly z.core.$ZodIssue[],
  prefix: readonly string[] = [],
): readonly InputFault[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path.map((part) => String(part).slice(0, MAX_NAME))];
    // Of a name that is none the library says only that; why is inside.
    if (issue.code === 'invalid_key') {
      return [{ path: path.join('.'), message: issue.issues[0]?.message ?? issue.message }];
    }
    if (issue.code !== 'unrecognized_keys') {
      return [{ path: path.join('.') || 'body', message: issue.message }];
    }
    // The value of an unknown name is never repeated: a client once sent its own token as input.
    return issue.keys.map((key) => ({
      path: [...path, key.slice(0, MAX_NAME)].join('.'),
      message: 'is not a name that is known here',
    }));
  });
}
