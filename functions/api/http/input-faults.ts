import type { z } from 'zod';
import type { InputFault } from '#shared/core/error-body.ts';
import { didYouMean } from '#shared/core/nearest.ts';
import { wordsOf } from './issue-words.ts';

/** The longest part of a name that is repeated. */
const MAX_NAME = 64;

/**
 * A schema's issues with dotted paths; each unknown name is a fault of its own.
 *
 * @param known the names there are, to tell which was meant
 */
export function toFaults(
  issues: readonly z.core.$ZodIssue[],
  prefix: readonly string[] = [],
  known: readonly string[] = [],
): readonly InputFault[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path.map((part) => String(part).slice(0, MAX_NAME))];
    if (issue.code !== 'unrecognized_keys') {
      return [{ path: path.join('.') || 'body', message: wordsOf(issue) }];
    }
    // The value of an unknown name is never repeated: a client once sent its own token as input.
    return issue.keys.map((key) => ({
      path: [...path, key.slice(0, MAX_NAME)].join('.'),
      message: `is not a known name.${didYouMean(key.slice(0, MAX_NAME), known)}`.replace(
        /\.$/,
        '',
      ),
    }));
  });
}
