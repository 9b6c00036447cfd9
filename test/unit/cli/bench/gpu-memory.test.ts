import { describe, expect, it } from 'vitest';
import { type Query, watchGpu } from '#functions/cli/bench/gpu-memory.ts';

const MEBIBYTE = 2 ** 20;

/** A stand-in for `nvidia-smi`: what the device holds before and while work goes on, by process or not. */
function standIn({ byProcess }: { byProcess: string }): { query: Query; begin: () => void } {
  let held = 300;
  return {
    begin: () => {
      held = 9300;
    },
    query: async (what) => {
      if (what.includes('memory.used')) return [[String(held)]];
      if (what.includes('compute-apps')) return [['77', byProcess]];
      return [['Some GPU', '580.1']];
    },
  };
}

const watched = async ({ query, begin }: ReturnType<typeof standIn>, processId = 77) =>
  (
    await watchGpu(async (onStart) => {
      begin();
      onStart(processId);
      return 'done';
    }, query)
  ).gpu;

describe('what a process takes of a GPU', () => {
  it('is what the driver counts for it', async () => {
    expect(await watched(standIn({ byProcess: '8123' }))).toEqual({
      name: 'Some GPU',
      driver: '580.1',
      peakBytes: 8123 * MEBIBYTE,
      counted: 'process',
    });
  });

  it('is what the device holds more, where the driver does not know the process', async () => {
    const device = { peakBytes: 9000 * MEBIBYTE, counted: 'device' };
    expect(await watched(standIn({ byProcess: '[N/A]' }))).toMatchObject(device);
    expect(await watched(standIn({ byProcess: '8123' }), 1)).toMatchObject(device);
  });

  it('is unknown without nvidia-smi, and says why; the work is done all the same', async () => {
    const missing: Query = () => Promise.reject(new Error('spawn nvidia-smi ENOENT'));
    const { done, gpu } = await watchGpu(async () => 'done', missing);
    expect(done).toBe('done');
    expect(gpu).toEqual({
      peakBytes: null,
      reason: 'nvidia-smi does not answer: spawn nvidia-smi ENOENT',
    });
  });

  it('is watched no longer when the work fails', async () => {
    let asked = 0;
    const query: Query = async () => {
      asked += 1;
      return [['1']];
    };
    await expect(watchGpu(() => Promise.reject(new Error('no')), query)).rejects.toThrow('no');
    const until = asked;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(asked).toBe(until);
  });
});
