import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { writeRandomRepository } from '#functions/cli/bench/random-repository.ts';
import { SDXL_CONFIGS } from '#functions/cli/bench/sdxl-shape.ts';
import { checkFiles } from '#shared/engine/package/check-files.ts';
import { readManifest } from '#shared/engine/package/manifest.ts';
import { type HubStandIn, standInFiles, startHub } from '#test/helpers/hub-stand-in.ts';
import { type ImportRun, runImport } from '#test/helpers/import-process.ts';
import { fixture, importFixture } from '#test/helpers/model-fixture.ts';
import { fromRoot } from '#test/helpers/root.ts';

/** How often an import is killed; `ONESTEP_IMPORT_KILLS` asks for more. */
const KILLS = Number(process.env['ONESTEP_IMPORT_KILLS'] ?? 4);
/** Decides the moments; `ONESTEP_IMPORT_SEED` asks for others. */
const SEED = Number(process.env['ONESTEP_IMPORT_SEED'] ?? 4);
/** What comes after the last weights is over too soon to be met. */
const LAST_MOMENT = 0.97;
const TOKENIZERS = fromRoot('models/demo/repo');

/** SDXL's layers, each a tenth as wide. */
const TEXT = { ...SDXL_CONFIGS.text_encoder_2, hidden_size: 64, intermediate_size: 256 };
const CONFIGS = {
  text_encoder: { ...TEXT, hidden_act: 'quick_gelu', num_attention_heads: 2, num_hidden_layers: 3 },
  text_encoder_2: { ...TEXT, projection_dim: 64, num_attention_heads: 2, num_hidden_layers: 3 },
  unet: {
    ...SDXL_CONFIGS.unet,
    addition_time_embed_dim: 32,
    projection_class_embeddings_input_dim: 256,
    attention_head_dim: [1, 2, 4],
    block_out_channels: [32, 64, 128],
    cross_attention_dim: 128,
  },
  vae: { ...SDXL_CONFIGS.vae, block_out_channels: [32, 32, 64, 64] },
};

const folder = mkdtempSync(join(tmpdir(), 'import-kills-'));
const data = join(folder, 'data');
const places = join(folder, 'models');
const out = join(places, 'model');
let hub: HubStandIn | undefined;
afterAll(async () => {
  await hub?.close();
  rmSync(folder, { recursive: true });
});

/** Every file below a folder, by its path there, with its size. */
function filesOf(place: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const entry of readdirSync(place, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (entry.isFile() && size !== undefined) found.set(relative(place, path), size);
  }
  return found;
}

const bytesOf = (files: ReadonlyMap<string, number>): number =>
  [...files.values()].reduce((sum, size) => sum + size, 0);

/**
 * What a process has brought about so far: bytes downloaded, and of the package. A folder may be
 * renamed or removed while it is read; then the next look tells.
 */
function progressOf(processId: number | undefined): number {
  try {
    const own = [...filesOf(places)].filter(([path]) =>
      path.startsWith(`.model.import-${processId}`),
    );
    return bytesOf(filesOf(join(data, 'hub'))) + bytesOf(new Map(own));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw error;
  }
}

/** Numbers in 0…1 that a seed decides. */
function* randomNumbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** Imports from the hub; kills the process once it has brought about so many bytes. */
function importOnce(killAt = Number.POSITIVE_INFINITY): Promise<ImportRun> {
  const words = ['maker/wide', '--recipe', 'disback', '--data', data, '--out', out];
  return runImport(words, { HF_ENDPOINT: hub?.url }, async (child) => {
    while (child.exitCode === null && progressOf(child.pid) < killAt) await sleep(5);
    child.kill('SIGKILL');
  });
}

it(`comes to the same package after ${KILLS} kills, and leaves nothing else`, async () => {
  const repository = join(folder, 'repository');
  await writeRandomRepository(repository, TOKENIZERS, CONFIGS);
  hub = await startHub({ 'maker/wide': { files: standInFiles(repository) } });
  mkdirSync(join(data, 'hub'), { recursive: true });
  // A package that is there already stays whole until the new one takes its place.
  const before = await importFixture(fixture('tiny', 'repo'), out);
  const undisturbed = join(folder, 'undisturbed');
  const { digest } = await importFixture(repository, undisturbed);
  const total = bytesOf(filesOf(repository)) + bytesOf(filesOf(undisturbed));

  const random = randomNumbers(SEED);
  for (let kills = 0; kills < KILLS; ) {
    const moment = ((kills + random.next().value) / KILLS) * LAST_MOMENT;
    const { code, stderr } = await importOnce(moment * total);
    if (code === null) {
      kills += 1;
      expect(readManifest(out).digest).toBe(before.digest);
      expect(await checkFiles(out, before)).toEqual([]);
    } else {
      // It was through before it was killed, on a machine that is busy: once more.
      expect(code, stderr).toBe(0);
      await importFixture(fixture('tiny', 'repo'), out);
    }
  }

  const { code, stdout, stderr } = await importOnce();
  expect(code, stderr).toBe(0);
  expect(stdout.trim()).toBe(digest);
  const manifest = readManifest(out);
  expect(manifest.digest).toBe(digest);
  expect(await checkFiles(out, manifest)).toEqual([]);

  expect(readdirSync(places)).toEqual(['model']);
  const expected = [...Object.keys(manifest.files), 'manifest.json'];
  expect([...filesOf(out).keys()].sort()).toEqual(expected.sort());
  expect(readdirSync(data)).toEqual(['hub']);
  const downloaded = [...filesOf(join(data, 'hub')).keys()].map((path) =>
    path.split('/').slice(3).join('/'),
  );
  expect(downloaded.sort()).toEqual([...filesOf(repository).keys()].sort());
}, 300_000);
