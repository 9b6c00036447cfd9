import { z } from 'zod';
import { toEpochMs, toIso } from '#shared/core/clock.ts';
import { formatUsd, type MicroUsd, parseUsd } from '#shared/core/money.ts';

type Issue = { readonly input?: unknown };

/** The text at fault as a message shows it; one that is empty would not be seen. */
const shown = ({ input }: Issue): string => (input === '' ? '""' : String(input));

/** A number of at least `min`. */
export const number = (min = Number.NEGATIVE_INFINITY) =>
  z
    .string()
    .refine((text) => /^-?\d+(\.\d+)?$/.test(text), {
      error: (issue) => `${shown(issue)} is not a number`,
      abort: true,
    })
    .transform(Number)
    .refine((value) => value >= min, { error: (issue) => `${shown(issue)} is less than ${min}` });

/** A whole number within bounds. */
export const whole = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  number().refine((value) => Number.isSafeInteger(value) && value >= min && value <= max, {
    error: (issue) =>
      `${shown(issue)} is not a whole number ${max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`}`,
  });

/** One of several words. */
export const choice = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: (issue) => `${shown(issue)} is not one of ${words.join(', ')}` });

/** Words with commas between them, each of which the schema takes. */
export const list = <Schema extends z.ZodType<unknown, string>>(schema: Schema) =>
  z
    .string()
    .transform((text) => text.split(',').map((word) => word.trim()))
    .pipe(z.array(schema));

const dateText = () =>
  z.union([z.iso.date(), z.iso.datetime({ offset: true, local: true })], {
    error: (issue) => `${shown(issue)} is not a date such as 2027-01-31`,
  });
const inUtc = (text: string) => toIso(toEpochMs(text));

/** A date, or a time of a date, in ISO 8601 and in UTC unless it has an offset; becomes a time in UTC. */
export const date = () => dateText().transform(inUtc);

/** A date that is still to come. */
export const futureDate = () =>
  dateText()
    .refine((text) => toEpochMs(text) > Date.now(), {
      error: (issue) => `${shown(issue)} has passed`,
    })
    .transform(inUtc);

/** A month, such as `2026-11`. */
export const month = () =>
  z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, {
    error: (issue) => `${shown(issue)} is not a month such as 2026-11`,
  });

/** Dollars, such as `5` or `0.25`; becomes micro-USD. */
export const usd = (most?: MicroUsd) =>
  z.string().transform((text, context) => {
    const amount = parseUsd(text);
    if (amount !== undefined && (most === undefined || amount <= most)) return amount;
    const problem =
      amount === undefined || most === undefined
        ? 'is not an amount such as 5 or 0.25'
        : `is more than ${formatUsd(most)}`;
    context.addIssue({ code: 'custom', message: `${shown({ input: text })} ${problem}` });
    return z.NEVER;
  });

/** The path of a file or folder. */
export const path = () => z.string().min(1, 'the path is empty');

/** An http or https address; loses the slashes at its end. */
export const address = () =>
  z
    .url({
      protocol: /^https?$/,
      error: (issue) => `${shown(issue)} is not an address such as https://example.com`,
    })
    .transform((text) => text.replace(/\/+$/, ''));

/** The single word that a command takes. */
export const oneWord = (problem: string) => z.tuple([z.string()], { error: problem });
