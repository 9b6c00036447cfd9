import type { z } from 'zod';

/** What a type of JSON is called in a sentence. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  null: 'null',
};

/** What sizes are counted in; numbers in nothing. */
const UNITS: Readonly<Record<string, string>> = { string: ' characters', array: ' entries' };

/** The library's own words, as opposed to those that a schema gives. */
const LIBRARY = /^(invalid|too |unrecognized)/i;

/** What is wrong, in words that go on from the member's name: "must be a number". */
export function wordsOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    // The library says only that a key is invalid; the reason is in the inner issues.
    case 'invalid_key':
      return issue.issues[0] === undefined ? 'is no valid name' : wordsOf(issue.issues[0]);
    case 'invalid_type':
      if (/received undefined$/.test(issue.message)) return 'is missing';
      return own(issue) ?? `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return own(issue) ?? `must ${bound(issue.origin, 'at least', issue.minimum)}`;
    case 'too_big':
      return own(issue) ?? `must ${bound(issue.origin, 'at most', issue.maximum)}`;
    case 'not_multiple_of':
      return own(issue) ?? `must be a multiple of ${issue.divisor}`;
    case 'invalid_value': {
      const values = issue.values.map((value) => JSON.stringify(value));
      return own(issue) ?? `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`;
    }
    case 'invalid_format':
      return own(issue) ?? `must be a valid ${issue.format}`;
    default:
      return own(issue) ?? 'has a form that is not known here';
  }
}

const own = ({ message }: z.core.$ZodIssue): string | undefined =>
  LIBRARY.test(message) ? undefined : message;

function bound(origin: string, limit: string, value: number | bigint): string {
  const unit = UNITS[origin];
  if (unit !== undefined && limit === 'at least' && value === 1) return 'not be empty';
  return unit === undefined ? `be ${limit} ${value}` : `have ${limit} ${value}${unit}`;
}
