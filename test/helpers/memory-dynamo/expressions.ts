import { isDeepStrictEqual } from 'node:util';

export type Attributes = Readonly<Record<string, unknown>>;

/** What a request says beside its expression. */
export interface Names {
  readonly ExpressionAttributeNames?: Record<string, string> | undefined;
  readonly ExpressionAttributeValues?: Record<string, unknown> | undefined;
}

type Operand = (item: Attributes | undefined, names: Names) => unknown;
export type Condition = (item: Attributes | undefined, names: Names) => boolean;
type Change = (before: Attributes, after: Record<string, unknown>, names: Names) => void;

/** What DynamoDB says of a request that it does not understand. */
export function validationError(message: string): Error {
  return Object.assign(new Error(message), { name: 'ValidationException' });
}

const TOKEN = /\s*(<=|>=|<>|[=<>(),+-]|[#:]?\w+)/y;
const COMPARISONS: Readonly<Record<string, (a: never, b: never) => boolean>> = {
  '=': (a, b) => isDeepStrictEqual(a, b),
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

class Reader {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    const tokens: string[] = [];
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const [, token] = TOKEN.exec(text) ?? [];
      if (token === undefined) throw validationError(`can't read ${text}`);
      tokens.push(token);
    }
    this.#tokens = tokens;
  }

  get next(): string | undefined {
    return this.#tokens[this.#at];
  }

  take(expected?: string): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined || (expected !== undefined && token !== expected)) {
      throw validationError(`${expected ?? 'more'} expected, not ${token}`);
    }
    return token;
  }

  takeIf(token: string): boolean {
    if (this.next !== token) return false;
    this.#at++;
    return true;
  }
}

/** An expression is read once, however often it is used. */
function remembered<T>(read: (reader: Reader) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const reader = new Reader(text);
    const parsed = read(reader);
    if (reader.next !== undefined) throw validationError(`${reader.next} is too much in ${text}`);
    known.set(text, parsed);
    return parsed;
  };
}

/** A condition, filter or key condition. */
export const parseCondition: (text: string) => Condition = remembered(readAny);

function readAny(reader: Reader): Condition {
  const parts = [readAll(reader)];
  while (reader.takeIf('OR')) parts.push(readAll(reader));
  return (item, names) => parts.some((part) => part(item, names));
}

function readAll(reader: Reader): Condition {
  const parts = [readOne(reader)];
  while (reader.takeIf('AND')) parts.push(readOne(reader));
  return (item, names) => parts.every((part) => part(item, names));
}

function readOne(reader: Reader): Condition {
  if (reader.takeIf('(')) {
    const inner = readAny(reader);
    reader.take(')');
    return inner;
  }
  if (reader.next === 'attribute_exists' || reader.next === 'attribute_not_exists') {
    const wanted = reader.take() === 'attribute_exists';
    reader.take('(');
    const attribute = readOperand(reader);
    reader.take(')');
    return (item, names) => (attribute(item, names) !== undefined) === wanted;
  }
  const left = readOperand(reader);
  if (reader.takeIf('BETWEEN')) {
    const from = readOperand(reader);
    reader.take('AND');
    const to = readOperand(reader);
    return (item, names) => {
      const value = left(item, names);
      return compare('<=', from(item, names), value) && compare('<=', value, to(item, names));
    };
  }
  const sign = reader.take();
  if (COMPARISONS[sign] === undefined) throw validationError(`${sign} is no comparison`);
  const right = readOperand(reader);
  return (item, names) => compare(sign, left(item, names), right(item, names));
}

/** Values of two kinds, or one that is not there, compare as nothing. */
function compare(sign: string, left: unknown, right: unknown): boolean {
  if (left === undefined || right === undefined || typeof left !== typeof right) return false;
  return COMPARISONS[sign]?.(left as never, right as never) ?? false;
}

function readOperand(reader: Reader): Operand {
  const token = reader.take();
  if (token.startsWith(':')) return (_item, names) => givenValue(token, names);
  return (item, names) => item?.[nameOf(token, names)];
}

function givenValue(token: string, { ExpressionAttributeValues: values }: Names): unknown {
  const value = values?.[token];
  if (value === undefined) throw validationError(`${token} has no value`);
  return value;
}

function nameOf(token: string, { ExpressionAttributeNames: names }: Names): string {
  if (!token.startsWith('#')) return token;
  const name = names?.[token];
  if (name === undefined) throw validationError(`${token} has no name`);
  return name;
}

/** `SET … REMOVE … ADD …`: each part reads the item as it was before. */
export const parseUpdate: (text: string) => readonly Change[] = remembered((reader) => {
  const changes: Change[] = [];
  while (reader.next !== undefined) {
    const clause = CLAUSES[reader.take()];
    if (clause === undefined) throw validationError('SET, REMOVE or ADD expected');
    do changes.push(clause(reader));
    while (reader.takeIf(','));
  }
  return changes;
});

const CLAUSES: Readonly<Record<string, (reader: Reader) => Change>> = {
  SET(reader) {
    const target = reader.take();
    reader.take('=');
    const value = readSum(reader);
    return (before, after, names) => {
      after[nameOf(target, names)] = value(before, names);
    };
  },
  REMOVE(reader) {
    const target = reader.take();
    return (_before, after, names) => {
      delete after[nameOf(target, names)];
    };
  },
  ADD(reader) {
    const target = reader.take();
    const value = reader.take();
    return (before, after, names) => {
      const name = nameOf(target, names);
      after[name] = sum(before[name] ?? 0, givenValue(value, names));
    };
  },
};

function readSum(reader: Reader): (before: Attributes, names: Names) => unknown {
  const left = readOperand(reader);
  const sign = reader.next === '+' || reader.next === '-' ? reader.take() : undefined;
  const right = sign === undefined ? undefined : readOperand(reader);
  return (before, names) => {
    const [a, b] = [left(before, names), right?.(before, names)];
    if (a === undefined || (right !== undefined && b === undefined)) {
      throw validationError(
        'The provided expression refers to an attribute that does not exist in the item',
      );
    }
    if (right === undefined) return a;
    return sum(a, sign === '-' ? -Number(b) : b);
  };
}

function sum(left: unknown, right: unknown): number {
  if (typeof left !== 'number' || typeof right !== 'number') {
    throw validationError('An operand in the update expression has an incorrect data type');
  }
  return left + right;
}

/** A request may name nothing that its expressions don't use. */
export function expectAllUsed(names: Names, expressions: readonly (string | undefined)[]): void {
  for (const given of [names.ExpressionAttributeNames, names.ExpressionAttributeValues]) {
    for (const name in given) {
      const isUsed = expressions.some((text) => text !== undefined && namesIn(text).has(name));
      if (!isUsed) throw validationError(`Value unused in expressions: ${name}`);
    }
  }
}

const knownNames = new Map<string, ReadonlySet<string>>();

function namesIn(text: string): ReadonlySet<string> {
  const known = knownNames.get(text);
  if (known !== undefined) return known;
  const names = new Set(text.match(/[#:]\w+/g));
  knownNames.set(text, names);
  return names;
}
