import { describe, expect, it } from 'vitest';
import { runtimeOptions } from '#shared/engine/pipeline/sessions.ts';

const SMALL = 2 ** 20;
const LARGE = 5 * 2 ** 30;

const prepacking = (device: 'cpu' | 'cuda', bytes: number) =>
  runtimeOptions({ device }, bytes).extra?.['session'] as { disable_prepacking: string };

describe('the options of ONNX Runtime', () => {
  it('leave large weights of a CPU in the page cache', () => {
    expect(prepacking('cpu', SMALL).disable_prepacking).toBe('0');
    expect(prepacking('cpu', LARGE).disable_prepacking).toBe('1');
  });

  // ONNX Runtime repeated each DequantizeLinear for every layer that reads its result.
  it('have an image dequantised once', () => {
    expect(runtimeOptions({ device: 'cpu' }, SMALL).extra?.['session']).toMatchObject({
      disable_quant_qdq: '1',
    });
  });

  // "Input channels C is not equal to kernel channels * group": seen on an H100 with SDXL's UNet.
  it('let CUDA see the weights of convolutions, whatever their size', () => {
    expect(prepacking('cuda', SMALL).disable_prepacking).toBe('0');
    expect(prepacking('cuda', LARGE).disable_prepacking).toBe('0');
  });
});
