import { assert } from '#shared/core/errors.ts';
import { floats } from '#shared/engine/onnx/constant.ts';
import { ELEMENT_TYPE, type ElementType } from '#shared/engine/onnx/element-type.ts';
import { broadcast } from '#shared/engine/onnx/shape.ts';
import { makeOp, type Var } from '#shared/engine/onnx/value.ts';

function binary(opType: string, a: Var, b: Var, type: ElementType = a.type): Var {
  assert(a.type === b.type, `${opType} of ${a.type} and ${b.type}`);
  return makeOp(opType, [a, b], { type, shape: broadcast(a.shape, b.shape) });
}

const unary = (opType: string, x: Var): Var => makeOp(opType, [x], x);

export const add = (a: Var, b: Var): Var => binary('Add', a, b);
export const sub = (a: Var, b: Var): Var => binary('Sub', a, b);
export const mul = (a: Var, b: Var): Var => binary('Mul', a, b);
export const div = (a: Var, b: Var): Var => binary('Div', a, b);
export const equal = (a: Var, b: Var): Var => binary('Equal', a, b, 'BOOL');

export const abs = (x: Var): Var => unary('Abs', x);
export const relu = (x: Var): Var => unary('Relu', x);
export const sqrt = (x: Var): Var => unary('Sqrt', x);
export const sin = (x: Var): Var => unary('Sin', x);
export const cos = (x: Var): Var => unary('Cos', x);
export const tanh = (x: Var): Var => unary('Tanh', x);
export const softplus = (x: Var): Var => unary('Softplus', x);
/** Rounds halves to the even neighbour, as numpy does. */
export const round = (x: Var): Var => unary('Round', x);
/** x·Φ(x) with the error function, not its tanh approximation. */
export const gelu = (x: Var): Var => unary('Gelu', x);
/** GELU by its tanh approximation. */
export const geluTanh = (x: Var): Var => makeOp('Gelu', [x], x, { approximate: 'tanh' });

/** x limited to `[low, high]`; x is float32. */
export const clip = (x: Var, low: number, high: number): Var =>
  makeOp('Clip', [x, floats(low), floats(high)], x);

/** x as another element type; x itself when it has that type. */
export const cast = (x: Var, to: ElementType): Var =>
  x.type === to
    ? x
    : makeOp('Cast', [x], { type: to, shape: x.shape }, { to: BigInt(ELEMENT_TYPE[to]) });
