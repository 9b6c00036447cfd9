import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Profile, profileText, readProfile } from '#functions/cli/bench/profile.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';
import { torchRandn } from '#shared/engine/pipeline/noise.ts';
import { loadSessions } from '#shared/engine/pipeline/sessions.ts';
import { fixture, importFixture, temporaryFolder } from '#test/helpers/model-fixture.ts';

const folder = temporaryFolder();
const model = join(folder.path, 'package');
let manifest: Manifest;

beforeAll(async () => {
  manifest = await importFixture(fixture('tiny', 'repo'), model);
});
afterAll(() => folder.remove());

/** Decodes images of so many latents a side, one after the other, as ONNX Runtime saw it. */
async function profileOf(name: string, ...sides: readonly number[]): Promise<Profile> {
  const profile = join(folder.path, name);
  mkdirSync(profile);
  const sessions = await loadSessions(model, manifest, { device: 'cpu', spin: false, profile });
  for (const side of sides) {
    const dims = [1, 4, side, side];
    await sessions.run('vae', { x0: { data: torchRandn(0, 4 * side ** 2), dims } });
  }
  await sessions.close();
  return readProfile(profile);
}

const callsOf = ({ vae }: Profile) =>
  Object.fromEntries((vae ?? []).map(({ operator, calls }) => [operator, calls]));

describe('the profile of a graph', () => {
  it('has its operators, those that took longest first, and nothing of graphs that did not run', async () => {
    const profile = await profileOf('one', 8);
    expect(Object.keys(profile)).toEqual(['vae']);
    const vae = profile.vae ?? [];
    expect(callsOf(profile)['Conv']).toBeGreaterThan(1);
    const times = vae.map(({ ms }) => ms);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    expect(times[0]).toBeGreaterThan(0);
    expect(vae.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 2);
  });

  it('is that of the last run', async () => {
    expect(callsOf(await profileOf('two', 8, 8))).toEqual(callsOf(await profileOf('again', 8)));
  });

  it('is found where the graph was opened once more after a large image', async () => {
    const side = manifest.size.defaultWidth / manifest.size.multiple + 8;
    expect(callsOf(await profileOf('large', side))['Conv']).toBeGreaterThan(1);
  });

  it('is printed with the eight kinds that took longest', async () => {
    const lines = profileText(await profileOf('printed', 8)).split('\n');
    expect(lines[0]).toMatch(/^vae, operators of one run, [\d.]+ ms:$/);
    expect(lines.slice(1, -1)).toHaveLength(8);
    expect(lines[1]).toMatch(/^ {2}\w+ +\d+ × +[\d.]+ ms +[\d.]+ %$/);
  });
});
