import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blocksRunBy } from '#test/helpers/doc-claims.ts';
import { type HubStandIn, standInFiles, startHub } from '#test/helpers/hub-stand-in.ts';
import { fixture, rawTensors } from '#test/helpers/model-fixture.ts';
import { ROOT } from '#test/helpers/root.ts';
import { removeFolder, temporaryFolder } from '#test/helpers/server-process.ts';
import { singleFileOf } from '#test/helpers/single-file.ts';
import { encodeTorchFile } from '#test/helpers/torch-file.ts';
import { encodeSafetensors } from '#test/helpers/write-safetensors.ts';

const run = promisify(execFile);
const TINY = fixture('tiny', 'repo');
const UNET = rawTensors(join(TINY, 'unet', 'diffusion_pytorch_model.safetensors'));

const file = (content: Uint8Array) => ({ content, large: true });
const unet = file(encodeSafetensors(UNET));
const pickle = file(encodeTorchFile(UNET));
const lora = file(new Uint8Array(readFileSync(fixture('extras', 'lora-kohya.safetensors'))));
/** By the names that the page has, with the files that it names, of a model of a few kilobytes. */
const repositories = {
  'stabilityai/stable-diffusion-xl-base-1.0': { files: standInFiles(TINY) },
  'stabilityai/sdxl-turbo': { files: standInFiles(TINY) },
  'madebyollin/taesdxl': { files: standInFiles(fixture('extras', 'taesdxl')) },
  'SYZhang0805/DisBack': { files: { 'SDXL_DisBack.bin': pickle } },
  'tianweiy/DMD2': { files: { 'dmd2_sdxl_1step_unet_fp16.bin': pickle } },
  'ByteDance/SDXL-Lightning': { files: { 'sdxl_lightning_1step_unet_x0.safetensors': unet } },
  'ByteDance/Hyper-SD': {
    files: {
      'Hyper-SDXL-1step-Unet.safetensors': unet,
      'Hyper-SDXL-1step-lora.safetensors': lora,
    },
  },
  'ChenDY/NitroFusion': {
    files: { 'nitrosd-realism_unet.safetensors': unet, 'nitrosd-vibrant_unet.safetensors': unet },
  },
};

let hub: HubStandIn;
let folder: string;
beforeAll(async () => {
  hub = await startHub(repositories);
  folder = temporaryFolder();
});
afterAll(async () => {
  await hub?.close();
  removeFolder(folder);
});

/** The folders of the packages that a block has imported. */
const imported = (work: string): string[] => readdirSync(join(work, '.onestep', 'models')).sort();

describe('the imports of docs/import.md', () => {
  const blocks = blocksRunBy(import.meta.filename);
  const expected = [
    [
      ...['disback', 'dmd2-1step-fp16', 'hyper-lora', 'hyper-sd-1step'],
      ...['nitrofusion-nitrosd-realism', 'nitrofusion-nitrosd-vibrant'],
      ...['sdxl-lightning-1step-x0', 'sdxl-turbo'],
    ],
    ['merged'],
    ['disback'],
  ];

  test('are these blocks', () => expect(blocks).toHaveLength(expected.length));

  test.each(blocks.map(({ line, code }, i) => [line, code, expected[i]] as const))(
    'line %d runs as printed',
    async (line, code, packages) => {
      const work = join(folder, `line-${line}`);
      mkdirSync(work);
      for (const name of readdirSync(ROOT)) {
        if (!name.startsWith('.')) symlinkSync(join(ROOT, name), join(work, name));
      }
      writeFileSync(join(work, 'merged.safetensors'), encodeSafetensors(singleFileOf(TINY)));
      const env = { ...process.env, HF_ENDPOINT: hub.url, HF_TOKEN: '', ONESTEP_SKIP_INSTALL: '1' };
      await run('bash', ['-euo', 'pipefail', '-c', code], { cwd: work, env });
      expect(imported(work)).toEqual(packages);
    },
    300_000,
  );
});
