import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRepository } from '#shared/engine/package/repository.ts';
import { type HubStandIn, standInFiles, startHub } from '#test/helpers/hub-stand-in.ts';
import { copyOfTiny, editTensors, fixture, rawTensors } from '#test/helpers/model-fixture.ts';
import { type CliRun, runOnestep } from '#test/helpers/run-cli.ts';
import { singleFileOf } from '#test/helpers/single-file.ts';
import { type RawTensor, writeSafetensors } from '#test/helpers/write-safetensors.ts';

const BASE = 'stabilityai/stable-diffusion-xl-base-1.0';
const ODD = fixture('odd', 'repo');
const TINY = fixture('tiny', 'repo');
const LORA = fixture('extras', 'lora-peft.safetensors');
const RECIPE = ['--recipe', 'nitrosd-vibrant'];

let folder: string;
let hub: HubStandIn;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'import-refusals-'));
  hub = await startHub({
    [BASE]: { files: standInFiles(TINY) },
    'maker/odd': { files: standInFiles(ODD) },
  });
});
afterAll(async () => {
  await hub.close();
  rmSync(folder, { recursive: true });
});

const run = (...words: readonly string[]): Promise<CliRun> =>
  runOnestep(['import', ...words, '--data', join(folder, 'data')], {
    env: { HF_ENDPOINT: hub.url, HF_TOKEN: '' },
  });

describe('onestep import', () => {
  it('refuses SDXL base alone, from the hub and from a disk, before any weights', async () => {
    for (const words of [[BASE], ['--repo', TINY, '--out', join(folder, 'base')]]) {
      const { status, stderr } = await run(...words);
      expect(status).toBe(2);
      expect(stderr).toMatch(
        /is not known to make images in one step\. Recipes are disback, dmd2, /,
      );
    }
    expect(hub.requests.filter(({ host }) => host === 'storage')).toEqual([]);
    expect(existsSync(join(folder, 'base'))).toBe(false);
  });

  it('refuses a weight that is not a number, by its name', async () => {
    const damaged = copyOfTiny(folder);
    const name = 'up_blocks.0.resnets.1.conv2.bias';
    editTensors(openRepository(damaged).weightsOf('unet'), (tensors) => {
      const { shape } = tensors[name] as RawTensor;
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
      values[values.length - 1] = Number.NaN;
      return { ...tensors, [name]: { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) } };
    });
    const out = join(folder, 'damaged');
    const { status, stderr } = await run('--repo', damaged, ...RECIPE, '--out', out);
    expect(stderr).toMatch(new RegExp(`tensor "${name}" of unet holds NaN or infinity: the file`));
    expect(status).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  it('names the option of a timestep that is off the schedule', async () => {
    const call = ['--scheduler', 'lcm', '--timestep', '1200', '--prediction', 'epsilon'];
    const { status, stderr } = await run('--repo', TINY, ...call, '--out', join(folder, 'late'));
    expect(stderr).toMatch(/^onestep: Timestep 1200 of the recipe \(--timestep or --recipe\): /);
    expect(status).toBe(2);
  });

  it('replaces no model by one that differs in its LoRAs alone', async () => {
    const plain = await run(BASE, ...RECIPE);
    expect(plain.status).toBe(0);
    const styled = await run(BASE, ...RECIPE, '--lora', `${LORA}:.7`);
    expect(styled.stderr).toMatch(/holds a model made from .*; name this one with --name or --out/);
    expect(styled.status).toBe(2);
    const named = await run(BASE, ...RECIPE, '--lora', `${LORA}:.7`, '--name', 'styled');
    expect(named.status).toBe(0);
    const again = await run(BASE, ...RECIPE, '--lora', `${LORA}:.7`, '--name', 'styled');
    expect(again.stdout).toBe(named.stdout);
    const stronger = await run(BASE, ...RECIPE, '--lora', LORA, '--name', 'styled');
    expect(stronger.stderr).toContain(`with ${LORA} at 0.7; name this one`);
    expect(stronger.status).toBe(2);
  });
});

describe('one checkpoint', () => {
  it('has one digest from the hub, from a disk and in a single file', async () => {
    const single = join(folder, 'single.safetensors');
    writeSafetensors(single, singleFileOf(TINY));
    const unet = join(folder, 'unet.safetensors');
    writeSafetensors(unet, rawTensors(openRepository(TINY).weightsOf('unet')));
    const runs = [
      await run(BASE, ...RECIPE, '--out', join(folder, 'from-hub')),
      await run('--repo', TINY, ...RECIPE, '--out', join(folder, 'from-disk')),
      await run('--repo', TINY, '--unet', unet, ...RECIPE, '--out', join(folder, 'with-unet')),
      await run('--repo', TINY, '--checkpoint', single, ...RECIPE, '--out', join(folder, 'single')),
    ];
    expect(runs.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(new Set(runs.map(({ stdout }) => stdout)).size).toBe(1);
    const odd = [
      await run('maker/odd', ...RECIPE, '--out', join(folder, 'odd-hub')),
      await run('--repo', ODD, ...RECIPE, '--out', join(folder, 'odd-disk')),
    ];
    expect(odd[0]?.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(odd[0]?.stdout).toBe(odd[1]?.stdout);
  });
});
