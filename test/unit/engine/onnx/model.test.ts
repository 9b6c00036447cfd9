import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import { floats, int64s } from '#shared/engine/onnx/constant.ts';
import { buildGraph } from '#shared/engine/onnx/graph.ts';
import { encodeModel } from '#shared/engine/onnx/model-proto.ts';
import { concat, reshape, shapeOf, split } from '#shared/engine/onnx/ops/arrange.ts';
import { add, mul } from '#shared/engine/onnx/ops/elementwise.ts';
import type { StoredTensor } from '#shared/engine/onnx/stored-tensor.ts';
import { stored, storedRows } from '#shared/engine/onnx/stored-value.ts';
import { input, type Var } from '#shared/engine/onnx/value.ts';
import { temporaryFolder } from '#test/helpers/model-fixture.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

const tensor = (name: string, shape: readonly number[]): StoredTensor => ({
  name,
  shape,
  type: 'FLOAT',
  source: { part: 'unet', name, shape },
});

describe('buildGraph', () => {
  it('collects what the outputs depend on, once, in an order that can be run', () => {
    const x = input('x', 'FLOAT', ['n', 4]);
    const y = input('y', 'FLOAT', ['n', 4]);
    const unused = mul(x, x);
    const sum = add(x, floats(2));
    const graph = buildGraph('g', [x, y], { twice: mul(sum, sum), thrice: mul(sum, floats(2)) });
    expect(graph.nodes.map(({ node }) => node.opType)).toEqual(['Add', 'Mul', 'Mul']);
    expect(graph.nodes.map(({ outputs }) => outputs)).toEqual([['Add_0'], ['twice'], ['thrice']]);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x', 'y']);
    expect(graph.constants).toHaveLength(1);
    expect(unused.origin.kind).toBe('node');
  });

  it('gives each view of a stored tensor its own name', () => {
    const weight = tensor('w', [4, 2]);
    const x = input('x', 'FLOAT', ['n', 2]);
    const parts = [
      stored(weight, [8]),
      stored(weight, [2, 4]),
      reshape(storedRows(weight, 2, 2), [4]),
    ];
    const value = concat(
      [reshape(x, [-1]), reshape(parts[1] as Var, [8]), ...parts.slice(0, 1)],
      0,
    );
    const graph = buildGraph('g', [x], { y: concat([value, parts[2] as Var], 0) });
    expect(graph.stored.map(({ name }) => name)).toEqual(['w', 'w#1', 'w@4']);
  });

  it('leaves unused outputs unnamed', () => {
    const x = input('x', 'FLOAT', [2, 6]);
    const [, second] = split(x, 1, 3);
    const graph = buildGraph('g', [x], { y: add(second as Var, floats(1)) });
    expect(graph.nodes[0]?.outputs).toEqual(['', 'Split_0_1']);
  });
});

describe('encodeModel', () => {
  it('refers to weights in other files at any byte, whole or in part', async () => {
    const place = join(folder.path, 'external');
    mkdirSync(place);
    const values = Float32Array.from({ length: 6 }, (_, i) => i + 1);
    const offset = 13;
    const file = Buffer.concat([Buffer.alloc(offset), Buffer.from(values.buffer)]);
    writeFileSync(join(place, 'weights'), file);
    const weight = tensor('w', [3, 2]);
    const x = input('x', 'FLOAT', ['n', 2]);
    const y = add(mul(x, storedRows(weight, 1, 1)), storedRows(weight, 2, 1));
    const model = encodeModel(buildGraph('g', [x], { y }), () => ({ file: 'weights', offset }));
    writeFileSync(join(place, 'g.onnx'), model);
    const session = await InferenceSession.create(join(place, 'g.onnx'));
    const result = await session.run({ x: new Tensor('float32', [10, 100], [1, 2]) });
    expect(Array.from(result['y']?.data as Float32Array)).toEqual([10 * 3 + 5, 100 * 4 + 6]);
    await session.release();
  });

  it('writes every kind of attribute and type that onnxruntime reads', async () => {
    const x = input('x', 'FLOAT', ['n', 3]);
    const shape = concat([shapeOf(x, 0, 1), int64s([1, 3])], 0);
    const y = add(reshape(x, [0, 1, 3]), floats([[1, 2, 3]].flat()));
    const model = encodeModel(buildGraph('g', [x], { y, shape }), () => {
      throw new Error('nothing is stored');
    });
    const session = await InferenceSession.create(model);
    expect(session.inputMetadata[0]).toMatchObject({ name: 'x', shape: ['n', 3] });
    const result = await session.run({ x: new Tensor('float32', [1, 1, 1], [1, 3]) });
    expect(result['y']?.dims).toEqual([1, 1, 3]);
    expect(Array.from(result['shape']?.data as BigInt64Array)).toEqual([1n, 1n, 3n]);
    await session.release();
  });
});
