import { assert } from './errors.ts';

declare const microUsdBrand: unique symbol;

/**
 * An amount of money: a whole number of millionths of a US dollar. A safe integer, so it is exact in
 * JSON, SQLite and DynamoDB alike, up to nine billion dollars.
 */
export type MicroUsd = number & { readonly [microUsdBrand]: true };

/** Takes a number as money; throws on a fraction or on a value past the exact integers. */
export function microUsd(amount: number): MicroUsd {
  assert(Number.isSafeInteger(amount), `${amount} is not a whole number of micro-USD`);
  return amount as MicroUsd;
}

export const ZERO_USD = microUsd(0);

/** The most credit that is given at one time, whichever way: a million dollars. */
export const MOST_CREDIT = microUsd(1_000_000_000_000);

/** Sum of amounts, exact or an error. */
export function addUsd(...amounts: readonly MicroUsd[]): MicroUsd {
  return microUsd(amounts.reduce<number>((sum, amount) => sum + amount, 0));
}

/** `from` less `amount`, exact or an error; the result may be negative. */
export function subtractUsd(from: MicroUsd, amount: MicroUsd): MicroUsd {
  return microUsd(from - amount);
}

/** `amount` taken `count` times. */
export function multiplyUsd(amount: MicroUsd, count: number): MicroUsd {
  return microUsd(amount * count);
}

/** Dollars as a person types them ("10", "0.004") to money; undefined when finer than a micro-USD. */
export function parseUsd(text: string): MicroUsd | undefined {
  const match = /^(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text.trim());
  if (match === null) return undefined;
  return microUsd(Number(match[1]) * 1_000_000 + Number((match[2] ?? '').padEnd(6, '0')));
}

/** `$0.004` for 4000; at least two decimals, at most six. */
export function formatUsd(amount: MicroUsd): string {
  const sign = amount < 0 ? '-' : '';
  const whole = Math.floor(Math.abs(amount) / 1_000_000);
  const fraction = String(Math.abs(amount) % 1_000_000)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${sign}$${whole}.${fraction}`;
}
