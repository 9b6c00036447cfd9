import { describe, expect, it } from 'vitest';
import { inspect } from '#functions/cli/commands/inspect.ts';
import { runCommand } from '#test/helpers/run-command.ts';

const FOLDER = 'test/fixtures/checkpoints';

const run = (words: readonly string[]) => runCommand('inspect', inspect, words);

describe('onestep inspect', () => {
  it('prints names, types and shapes as one JSON array', async () => {
    const tensors = JSON.parse(await run([`${FOLDER}/int-and-scalar.bin`, '--json']));
    expect(tensors).toEqual([
      { name: 'ids', dtype: 'I64', shape: [9] },
      { name: 'scalar', dtype: 'F32', shape: [] },
      { name: 'empty', dtype: 'F32', shape: [0, 4] },
      { name: 'bytes', dtype: 'U8', shape: [5] },
      { name: 'flags', dtype: 'BOOL', shape: [2] },
    ]);
  });

  it('prints a table with sizes and a total', async () => {
    expect((await run([`${FOLDER}/int-and-scalar.bin`])).split('\n')).toEqual([
      'ids     I64   9       72 B',
      'scalar  F32   scalar  4 B',
      'empty   F32   0×4     0 B',
      'bytes   U8    5       5 B',
      'flags   BOOL  2       2 B',
      '5 tensors, 17 values, 83 B',
      '',
    ]);
  });

  it('wants one file', async () => {
    await expect(run([])).rejects.toThrow(/Name one file/);
    await expect(run(['a', 'b'])).rejects.toThrow(/Name one file/);
    await expect(run(['absent.bin'])).rejects.toThrow('absent.bin: there is no such file.');
  });
});
