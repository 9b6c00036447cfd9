import { concat, depthToSpace } from '#shared/onnx/ops/arrange.ts';
import { cast } from '#shared/onnx/ops/elementwise.ts';
import { conv } from '#shared/onnx/ops/network.ts';
import { stored, storedRows } from '#shared/onnx/stored-tensor.ts';
import type { Var } from '#shared/onnx/value.ts';
import type { Scope } from './scope.ts';

const KERNEL = 3;
const PHASE_KERNEL = 2;
/** Even and odd rows of the doubled image, times even and odd columns. */
const PHASES = [0, 1].flatMap((row) => [0, 1].map((column) => ({ row, column })));

/**
 * Doubling an image by its nearest pixels and a 3×3 convolution after it, with 4/9 of the
 * multiplications: each of the four interleaved parts of the result sees only 2×2 different pixels,
 * so it is a 2×2 convolution of the small image.
 */
export function doubleByPhases(image: Var, scope: Scope, channels: number): Var {
  const weight = scope.ask('weight', [channels, channels, KERNEL, KERNEL]);
  const rows = PHASES.length * channels;
  const phases = scope.derived(
    'weight.phases',
    [rows, channels, PHASE_KERNEL, PHASE_KERNEL],
    [weight],
    ([values]) => phaseWeights(values ?? new Float32Array(), channels),
  );
  const bias = cast(stored(scope.tensor('bias', [channels])), 'FLOAT');
  const parts = PHASES.map(({ row, column }, index) =>
    conv(image, storedRows(phases, index * channels, channels), bias, {
      padding: { top: 1 - row, left: 1 - column, bottom: row, right: column },
    }),
  );
  return depthToSpace(concat(parts, 1), PHASE_KERNEL);
}

/** `[O, I, 3, 3]` → `[4·O, I, 2, 2]`: the weights that fall on one pixel are added up. */
function phaseWeights(weights: Float32Array, channels: number): Float32Array {
  const planes = channels * channels;
  const result = new Float32Array(PHASES.length * planes * PHASE_KERNEL ** 2);
  PHASES.forEach(({ row, column }, phase) => {
    for (let plane = 0; plane < planes; plane += 1) {
      for (let tap = 0; tap < KERNEL ** 2; tap += 1) {
        const y = pixelOf(Math.floor(tap / KERNEL), row);
        const x = pixelOf(tap % KERNEL, column);
        const at = ((phase * planes + plane) * PHASE_KERNEL + y) * PHASE_KERNEL + x;
        result[at] = (result[at] ?? 0) + (weights[plane * KERNEL ** 2 + tap] ?? 0);
      }
    }
  });
  return result;
}

/** Which of the two small pixels a tap of the large kernel falls on. */
const pixelOf = (tap: number, phase: number): number => Math.floor((tap + phase + 1) / 2) - phase;
