import { Cursor } from '#shared/engine/bytes/cursor.ts';
import { OPCODE } from './pickle-opcodes.ts';
import {
  isAllowedGlobal,
  isKind,
  ORDERED_DICT,
  type PickleValue,
  REBUILD_TENSOR,
  reduce,
  storageOf,
} from './pickle-values.ts';
import { quote } from './quote.ts';

const MAX_PROTOCOL = 5;
/** A state dict takes about 33 operations per tensor: enough for 15,000 tensors. */
const MAX_OPERATIONS = 500_000;
const MAX_STACK = 65_536;
const MAX_MEMO = 250_000;
const MAX_STRING_BYTES = 2 ** 20;
const MAX_NAME_BYTES = 256;
const MAX_INTEGER_BYTES = 16;

interface Machine {
  readonly cursor: Cursor;
  readonly stack: PickleValue[];
  /** Heights of the stack at the open marks. */
  readonly marks: number[];
  readonly memo: Map<number, PickleValue>;
}

/**
 * Reads a pickle as data, without Python: opcodes move symbols on a stack, a name outside a short list
 * is an error, and nothing is ever looked up, imported or called.
 *
 * @param bytes the pickle
 * @param file the file's path, for messages
 * @param base where the pickle begins in the file, for messages
 * @throws FormatError for an opcode, a name or a shape of data that state dicts don't have, and for
 *   anything beyond the limits above
 */
export function readPickle(bytes: Uint8Array, file: string, base: number): PickleValue {
  const machine = { cursor: new Cursor(bytes, file, base), stack: [], marks: [], memo: new Map() };
  for (let operation = 0; operation < MAX_OPERATIONS; operation++) {
    const opcode = machine.cursor.u8();
    if (opcode === OPCODE.STOP) return finish(machine);
    const run = OPERATIONS[opcode];
    if (run === undefined) {
      throw machine.cursor.fault(
        `has the pickle opcode 0x${opcode.toString(16)}, which state dicts don't use`,
      );
    }
    run(machine);
  }
  throw machine.cursor.fault(`has a pickle of more than ${MAX_OPERATIONS} operations`);
}

function finish(machine: Machine): PickleValue {
  if (machine.stack.length !== 1 || machine.marks.length > 0) {
    throw machine.cursor.fault(`has a pickle that leaves ${machine.stack.length} values behind`);
  }
  return pop(machine);
}

function push(machine: Machine, value: PickleValue): void {
  if (machine.stack.length >= MAX_STACK) {
    throw machine.cursor.fault(
      `has a pickle nested or stacked over ${MAX_STACK} values: it is no mapping of tensors`,
    );
  }
  machine.stack.push(value);
}

function pop(machine: Machine): PickleValue {
  const floor = machine.marks.at(-1) ?? 0;
  if (machine.stack.length <= floor) throw machine.cursor.fault('underflows the pickle stack');
  return machine.stack.pop() as PickleValue;
}

/** The value on top, which stays there. */
function peek(machine: Machine): PickleValue {
  const value = pop(machine);
  machine.stack.push(value);
  return value;
}

function popToMark(machine: Machine): PickleValue[] {
  const mark = machine.marks.pop();
  if (mark === undefined) throw machine.cursor.fault('has a pickle without the mark that it needs');
  return machine.stack.splice(mark);
}

function pushTuple(machine: Machine, length: number): void {
  const items: PickleValue[] = [];
  for (let index = 0; index < length; index++) items.unshift(pop(machine));
  push(machine, { kind: 'tuple', items });
}

function pushText(machine: Machine, length: number): void {
  if (length > MAX_STRING_BYTES) throw machine.cursor.fault(`has a text of ${length} bytes`);
  push(machine, machine.cursor.utf8(length));
}

function pushInteger(machine: Machine, length: number): void {
  if (length > MAX_INTEGER_BYTES) throw machine.cursor.fault(`has a number of ${length} bytes`);
  let value = 0n;
  for (const byte of machine.cursor.bytes(length).toReversed())
    value = (value << 8n) | BigInt(byte);
  const signed = BigInt.asIntN(length * 8, value);
  const small = Number(signed);
  push(machine, Number.isSafeInteger(small) ? small : signed);
}

function pushGlobal(machine: Machine, module: string, name: string): void {
  const full = `${module}.${name}`;
  if (!isAllowedGlobal(full)) {
    throw machine.cursor.fault(
      `refers to ${quote(full)} in its pickle, not just to tensors: nothing was executed; save a plain state dict instead (torch.save(module.state_dict(), …))`,
    );
  }
  push(machine, { kind: 'global', name: full });
}

function pushNamedGlobal(machine: Machine): void {
  const name = pop(machine);
  const module = pop(machine);
  if (typeof name !== 'string' || typeof module !== 'string') {
    throw machine.cursor.fault('has a pickle that names a global by something else than text');
  }
  pushGlobal(machine, module, name);
}

function pushCall(machine: Machine): void {
  const args = pop(machine);
  const callee = pop(machine);
  const value =
    isKind(callee, 'global') && isKind(args, 'tuple') ? reduce(callee.name, args.items) : undefined;
  if (value === undefined) {
    const name = isKind(callee, 'global') ? callee.name : 'what is no function';
    const what =
      name === REBUILD_TENSOR ? 'a tensor of impossible sizes' : `a call of ${quote(name)}`;
    throw machine.cursor.fault(`has ${what} in its pickle`);
  }
  push(machine, value);
}

function pushStorage(machine: Machine): void {
  const storage = storageOf(pop(machine));
  if (storage === undefined) {
    throw machine.cursor.fault('refers to a storage of an unknown type or form');
  }
  push(machine, storage);
}

function addItems(machine: Machine, items: readonly PickleValue[]): void {
  const list = peek(machine);
  if (!isKind(list, 'list')) throw machine.cursor.fault('appends to what is no list');
  for (const item of items) list.items.push(item);
}

function setItems(machine: Machine, items: readonly PickleValue[]): void {
  const dict = peek(machine);
  if (!isKind(dict, 'dict')) throw machine.cursor.fault('sets an item of what is no mapping');
  if (items.length % 2 !== 0) throw machine.cursor.fault('has a key without a value');
  for (let index = 0; index < items.length; index += 2) {
    dict.entries.set(items[index] ?? null, items[index + 1] ?? null);
  }
}

/** `_metadata` of a state dict is put on it by BUILD; it says nothing about the tensors. */
function build(machine: Machine): void {
  pop(machine);
  if (!isKind(peek(machine), 'dict')) {
    throw machine.cursor.fault(`sets the state of an object that is no ${ORDERED_DICT}`);
  }
}

function store(machine: Machine, index: number): void {
  if (machine.memo.size >= MAX_MEMO) throw machine.cursor.fault(`memoizes over ${MAX_MEMO} values`);
  machine.memo.set(index, peek(machine));
}

function recall(machine: Machine, index: number): void {
  const value = machine.memo.get(index);
  if (value === undefined) throw machine.cursor.fault(`has no memo ${index}`);
  push(machine, value);
}

function checkProtocol({ cursor }: Machine): void {
  const protocol = cursor.u8();
  if (protocol > MAX_PROTOCOL) throw cursor.fault(`has a pickle of protocol ${protocol}`);
}

/** What each opcode does. */
const OPERATIONS: Readonly<Record<number, (machine: Machine) => void>> = {
  [OPCODE.PROTO]: checkProtocol,
  // A frame only says how far to buffer.
  [OPCODE.FRAME]: ({ cursor }) => cursor.skip(8),
  [OPCODE.MARK]: ({ marks, stack, cursor }) => {
    if (marks.length >= MAX_STACK) throw cursor.fault(`opens over ${MAX_STACK} marks`);
    marks.push(stack.length);
  },
  [OPCODE.NONE]: (machine) => push(machine, null),
  [OPCODE.NEWTRUE]: (machine) => push(machine, true),
  [OPCODE.NEWFALSE]: (machine) => push(machine, false),
  [OPCODE.BININT]: (machine) => push(machine, machine.cursor.i32()),
  [OPCODE.BININT1]: (machine) => push(machine, machine.cursor.u8()),
  [OPCODE.BININT2]: (machine) => push(machine, machine.cursor.u16()),
  [OPCODE.LONG1]: (machine) => pushInteger(machine, machine.cursor.u8()),
  [OPCODE.BINFLOAT]: (machine) => push(machine, machine.cursor.f64BigEndian()),
  [OPCODE.BINUNICODE]: (machine) => pushText(machine, machine.cursor.u32()),
  [OPCODE.SHORT_BINUNICODE]: (machine) => pushText(machine, machine.cursor.u8()),
  [OPCODE.SHORT_BINSTRING]: (machine) => pushText(machine, machine.cursor.u8()),
  [OPCODE.EMPTY_TUPLE]: (machine) => pushTuple(machine, 0),
  [OPCODE.TUPLE1]: (machine) => pushTuple(machine, 1),
  [OPCODE.TUPLE2]: (machine) => pushTuple(machine, 2),
  [OPCODE.TUPLE3]: (machine) => pushTuple(machine, 3),
  [OPCODE.TUPLE]: (machine) => push(machine, { kind: 'tuple', items: popToMark(machine) }),
  [OPCODE.EMPTY_LIST]: (machine) => push(machine, { kind: 'list', items: [] }),
  [OPCODE.APPEND]: (machine) => addItems(machine, [pop(machine)]),
  [OPCODE.APPENDS]: (machine) => addItems(machine, popToMark(machine)),
  [OPCODE.EMPTY_SET]: (machine) => push(machine, { kind: 'list', items: [] }),
  [OPCODE.ADDITEMS]: (machine) => addItems(machine, popToMark(machine)),
  [OPCODE.EMPTY_DICT]: (machine) => push(machine, { kind: 'dict', entries: new Map() }),
  [OPCODE.SETITEM]: (machine) => {
    const value = pop(machine);
    setItems(machine, [pop(machine), value]);
  },
  [OPCODE.SETITEMS]: (machine) => setItems(machine, popToMark(machine)),
  [OPCODE.GLOBAL]: (machine) => {
    const module = machine.cursor.line(MAX_NAME_BYTES);
    pushGlobal(machine, module, machine.cursor.line(MAX_NAME_BYTES));
  },
  [OPCODE.STACK_GLOBAL]: pushNamedGlobal,
  [OPCODE.REDUCE]: pushCall,
  [OPCODE.BINPERSID]: pushStorage,
  [OPCODE.BUILD]: build,
  [OPCODE.BINPUT]: (machine) => store(machine, machine.cursor.u8()),
  [OPCODE.LONG_BINPUT]: (machine) => store(machine, machine.cursor.u32()),
  [OPCODE.MEMOIZE]: (machine) => store(machine, machine.memo.size),
  [OPCODE.BINGET]: (machine) => recall(machine, machine.cursor.u8()),
  [OPCODE.LONG_BINGET]: (machine) => recall(machine, machine.cursor.u32()),
};
