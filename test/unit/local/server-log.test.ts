import { expect, test } from 'vitest';
import { createServerLog, logGpuLine } from '#functions/local/server-log.ts';
import { createJsonLog } from '#shared/adapters/aws/json-log.ts';
import { createManualClock } from '#test/helpers/manual-clock.ts';

/** What a server of the usual log level says of a line that its GPU function wrote. */
function toldOf(line: string): Record<string, unknown>[] {
  const told: string[] = [];
  logGpuLine(createServerLog('warn', { write: (text) => told.push(text) }), line);
  return told.map((text) => JSON.parse(text));
}

test('why the GPU function failed is told, without what a client wrote', () => {
  const lines: string[] = [];
  const gpu = createJsonLog({
    function: 'gpu',
    clock: createManualClock(0),
    write: (line) => lines.push(line),
  });
  gpu.error(new Error('no such file: unet.onnx'), 'The GPU function could not start');
  gpu.event('listening', { port: 1 });
  const [failed = '', listens = ''] = lines;
  expect(toldOf(failed)).toMatchObject([
    {
      function: 'gpu',
      msg: 'The GPU function could not start',
      err: { name: 'Error', message: 'no such file: unet.onnx' },
    },
  ]);
  expect(toldOf(listens)).toEqual([]);
});

test.each(['', 'null', '5', '{"level":"error"', 'a library’s own words'])(
  'a line that is no error of ours (%j) is left out',
  (line) => {
    expect(toldOf(line)).toEqual([]);
  },
);
