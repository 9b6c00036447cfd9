import { z } from 'zod';
import { gelu, geluTanh, mul, relu, softplus, tanh } from '#shared/engine/onnx/ops/elementwise.ts';
import { quickGelu } from '#shared/engine/onnx/ops/microsoft.ts';
import type { Var } from '#shared/engine/onnx/value.ts';

/** Activations by their names in diffusers and transformers. */
const ACTIVATIONS = {
  silu: (x: Var) => quickGelu(x, 1),
  swish: (x: Var) => quickGelu(x, 1),
  gelu: (x: Var) => gelu(x),
  gelu_new: (x: Var) => geluTanh(x),
  gelu_pytorch_tanh: (x: Var) => geluTanh(x),
  quick_gelu: (x: Var) => quickGelu(x, 1.702),
  relu: (x: Var) => relu(x),
  mish: (x: Var) => mul(x, tanh(softplus(x))),
} as const satisfies Record<string, (x: Var) => Var>;

export type Activation = keyof typeof ACTIVATIONS;

/** `act_fn` of a diffusers config, in any case. */
export const DiffusersActivation = z
  .string()
  .transform((name) => name.toLowerCase())
  .pipe(z.enum(['silu', 'swish', 'gelu', 'relu', 'mish']));

/** `hidden_act` of a CLIP config. */
export const ClipActivation = z.enum(Object.keys(ACTIVATIONS) as [Activation, ...Activation[]]);

export const activate = (x: Var, activation: Activation): Var => ACTIVATIONS[activation](x);
