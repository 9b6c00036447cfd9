import { FormatError } from '#shared/core/errors.ts';
import type { ByteSource } from './byte-source.ts';
import { readPickle } from './pickle.ts';
import { isKind, type PickleValue, type TensorValue } from './pickle-values.ts';
import { quote } from './quote.ts';
import { elementExtent, stridedTensor } from './strided.ts';
import { type Checkpoint, DTYPE_BYTES, elementCount, type LazyTensor } from './tensor.ts';
import { readZip, type ZipMember } from './zip.ts';

const MAX_PICKLE_BYTES = 32 * 2 ** 20;
const MAX_DIMENSIONS = 16;
/** An expanded tensor repeats its storage; one that claims to be larger than this is not a weight. */
const MAX_TENSOR_BYTES = 2 ** 36;
/** Members that only TorchScript programs have. */
const PROGRAM_MEMBERS = ['constants.pkl', 'code/'];

/**
 * Reads the tensors of a state dict that `torch.save` wrote (zip format, torch ≥ 1.6). The values
 * stay in the file; the pickle is read as data and nothing in it is executed. Owns `source` from
 * here on.
 *
 * @throws FormatError for any other file
 */
export function readTorchZip(source: ByteSource): Checkpoint {
  const members = readZip(source);
  const prefix = findPrefix(source, members);
  checkByteOrder(source, members.get(`${prefix}byteorder`));
  const pickle = members.get(`${prefix}data.pkl`) as ZipMember;
  if (pickle.sizeBytes > MAX_PICKLE_BYTES) {
    throw new FormatError(source.path, `has a pickle of ${pickle.sizeBytes} bytes`);
  }
  const bytes = source.read(pickle.offset, pickle.sizeBytes);
  const root = readPickle(bytes, source.path, pickle.offset);
  const tensors = new Map<string, LazyTensor>();
  for (const [name, value] of tensorsOf(source.path, root)) {
    const member = members.get(`${prefix}data/${value.storage.key}`);
    tensors.set(name, lazyTensor(source, name, value, member));
  }
  return { tensors, metadata: new Map(), close: () => source.close() };
}

/** The archive's top folder with its slash: the one that holds `data.pkl`. */
function findPrefix(source: ByteSource, members: ReadonlyMap<string, ZipMember>): string {
  const pickles = [...members.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (pickle === undefined || pickles.length > 1) {
    throw new FormatError(
      source.path,
      `has ${pickles.length} members data.pkl, not one: it is no checkpoint of torch.save`,
    );
  }
  const prefix = pickle.slice(0, -'data.pkl'.length);
  for (const name of members.keys()) {
    if (PROGRAM_MEMBERS.some((member) => name.startsWith(`${prefix}${member}`))) {
      throw new FormatError(
        source.path,
        'is a TorchScript program, not a state dict: save its weights with torch.save(module.state_dict(), …)',
      );
    }
  }
  return prefix;
}

function checkByteOrder(source: ByteSource, member: ZipMember | undefined): void {
  if (member === undefined) return;
  const order = String.fromCharCode(...source.read(member.offset, Math.min(member.sizeBytes, 16)));
  if (order !== 'little') {
    throw new FormatError(source.path, `has the byte order ${quote(order)}; only little is read`);
  }
}

/**
 * The named tensors of a state dict, which may lie under `state_dict` (or as the only mapping of
 * tensors) beside plain values.
 */
function tensorsOf(path: string, root: PickleValue): Map<string, TensorValue> {
  const entries = isKind(root, 'dict') ? root.entries : new Map<PickleValue, PickleValue>();
  const wrapped = namedTensors(path, entries.get('state_dict'));
  if (wrapped.size > 0) return wrapped;
  const direct = namedTensors(path, root);
  if (direct.size > 0) return direct;
  const nested = [...entries.values()]
    .map((value) => namedTensors(path, value))
    .filter((tensors) => tensors.size > 0);
  const [only] = nested;
  if (only === undefined || nested.length > 1) {
    const found = only === undefined ? 'no mapping' : `${nested.length} mappings`;
    throw new FormatError(path, `has ${found} of names to tensors, not one: it is no state dict`);
  }
  return only;
}

function namedTensors(path: string, value: PickleValue | undefined): Map<string, TensorValue> {
  const tensors = new Map<string, TensorValue>();
  for (const [name, tensor] of isKind(value, 'dict') ? value.entries : []) {
    if (!isKind(tensor, 'tensor')) continue;
    if (typeof name !== 'string') throw new FormatError(path, 'has a tensor without a name');
    tensors.set(name, tensor);
  }
  return tensors;
}

function lazyTensor(
  source: ByteSource,
  name: string,
  tensor: TensorValue,
  member: ZipMember | undefined,
): LazyTensor {
  const fault = (problem: string) =>
    new FormatError(source.path, `tensor ${quote(name)} ${problem}`);
  const { storage, shape, strides } = tensor;
  const size = DTYPE_BYTES[storage.dtype];
  if (member === undefined) throw fault(`lacks its data: member ${quote(storage.key)} is missing`);
  if (member.sizeBytes < storage.count * size) {
    throw fault(
      `has ${member.sizeBytes} of ${storage.count * size} bytes of data: the file is damaged`,
    );
  }
  const end = tensor.offset + elementExtent(shape, strides);
  if (!(end <= storage.count)) {
    throw fault(`reaches to element ${end} of a storage of ${storage.count}`);
  }
  if (shape.length > MAX_DIMENSIONS || !(elementCount(shape) * size <= MAX_TENSOR_BYTES)) {
    throw fault(`has the impossible shape ${shape.slice(0, MAX_DIMENSIONS).join('×')}`);
  }
  const offset = member.offset + tensor.offset * size;
  return stridedTensor(source, { name, dtype: storage.dtype, shape, strides, offset });
}
