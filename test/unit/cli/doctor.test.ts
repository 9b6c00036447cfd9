import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { doctor } from '#functions/cli/commands/doctor.ts';
import {
  editTensors,
  fixture,
  importFixture,
  temporaryFolder,
} from '#test/helpers/model-fixture.ts';
import { runCommand } from '#test/helpers/run-command.ts';
import type { RawTensor } from '#test/helpers/write-safetensors.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

/** A package with a decoder for drafts whose last convolution has these values. */
async function packageWith(value: number | undefined): Promise<string> {
  const decoder = join(folder.path, `decoder-${value}`);
  cpSync(fixture('extras', 'taesdxl'), decoder, { recursive: true });
  editTensors(join(decoder, 'diffusion_pytorch_model.safetensors'), (tensors) => {
    if (value === undefined) return tensors;
    const last = Object.keys(tensors)
      .filter((name) => /^decoder\.layers\.\d+\.(weight|bias)$/.test(name))
      .toSorted((a, b) => Number(b.split('.')[2]) - Number(a.split('.')[2]))
      .slice(0, 2);
    const filled = last.map((name): [string, RawTensor] => {
      const { shape } = tensors[name] as RawTensor;
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value);
      return [name, { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) }];
    });
    return { ...tensors, ...Object.fromEntries(filled) };
  });
  const out = join(folder.path, `package-${value}`);
  await importFixture(fixture('tiny', 'repo'), out, { draftVae: decoder });
  return out;
}

const examine = async (path: string) => runCommand('doctor', doctor, [path]);

describe('onestep doctor', () => {
  it('draws by each decoder of a package', async () => {
    const out = await packageWith(undefined);
    expect(await examine(out)).toBe(`${out} is whole\n`);
  });

  it.each([
    [3e38, /pixels are not finite numbers/],
    [0, /its trial draft has a single colour/],
  ])('finds drafts that are no pictures: weights of %s', async (value, fault) => {
    await expect(examine(await packageWith(value))).rejects.toThrow(fault);
  });
});
