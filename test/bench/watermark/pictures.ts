import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { loadPipeline } from '#shared/engine/pipeline/pipeline.ts';
import type { RgbImage } from '#shared/provenance/watermark/blocks.ts';
import { decodePixels } from '#shared/provenance/verify/decode-pixels.ts';
import { importDemo } from '#test/helpers/demo-package.ts';
import { cacheFolder, installOnce, runToEnd } from '#test/helpers/install-once.ts';
import { sharpOf } from './sharp-of.ts';

/** Web templates that come with photographs, some sixty of them; nothing of them is shipped. */
const PHOTOGRAPHS = [
  'argon-design-system-free@1.2.0',
  'material-kit@2.0.4',
  'now-ui-kit@1.3.0',
  'paper-kit-2@2.1.0',
];
/** Drawings, cut-outs and screenshots among them. */
const NO_PHOTOGRAPH = /ill\.png|hero-image|clouds|blurred|-page|landing\.jpg|profile\.jpg/i;
const LEAST_SIDE = 500;

const DEMO_PROMPTS = [
  'a house',
  'a boat at sea',
  'a dog in the snow',
  'a lighthouse at sunset',
  'a cactus in the desert',
];

export interface TestPicture {
  readonly name: string;
  readonly kind: 'photograph' | 'demo';
  readonly image: RgbImage;
}

/** Pictures of one size: photographs first, the demo model's own for the rest. */
export async function testPictures(count: number, side: number): Promise<TestPicture[]> {
  const paths = (await photographPaths()).slice(0, Math.ceil(count * 0.6));
  const photographs = await Promise.all(
    paths.map(async (path): Promise<TestPicture> => {
      const image = await decodePixels(sharp(path).resize(side, side, { fit: 'cover' }));
      return { name: path.split('/').slice(-1)[0] ?? path, kind: 'photograph', image };
    }),
  );
  const drawn = await demoPictures(count - photographs.length, side);
  return [...photographs, ...drawn];
}

async function photographPaths(): Promise<string[]> {
  const folder = join(cacheFolder('onestep-photographs'), 'v1');
  await installOnce(folder, async (empty) => {
    for (const name of PHOTOGRAPHS) {
      const target = join(empty, name.replace(/@.*/, ''));
      await mkdir(target);
      await runToEnd('npm', ['pack', '--silent', '--pack-destination', target, name], {
        cwd: empty,
      });
      const [archive = ''] = readdirSync(target);
      await runToEnd('tar', ['xzf', archive], { cwd: target });
    }
  });
  const found: string[] = [];
  const seen = new Set<number>();
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/\.jpe?g$/i.test(path) || NO_PHOTOGRAPH.test(path)) continue;
    const whole = join(folder, path);
    const { width, height, size = 0 } = await sharp(readFileSync(whole)).metadata();
    // The kits share some of their pictures.
    if (Math.min(width, height) < LEAST_SIDE || seen.has(size)) continue;
    seen.add(size);
    found.push(whole);
  }
  return found;
}

async function demoPictures(count: number, side: number): Promise<TestPicture[]> {
  const folder = join(cacheFolder('onestep-demo-pictures'), String(side));
  const pathOf = (index: number): string => join(folder, `demo-${index}.png`);
  const missing = Array.from({ length: count }, (_, i) => i).filter((i) => !existsSync(pathOf(i)));
  if (missing.length > 0) await drawDemoPictures(missing, side, pathOf);
  return Promise.all(
    Array.from({ length: count }, async (_, i): Promise<TestPicture> => {
      const image = await decodePixels(sharp(pathOf(i)));
      return { name: `demo-${i}`, kind: 'demo', image };
    }),
  );
}

async function drawDemoPictures(
  indices: readonly number[],
  side: number,
  pathOf: (index: number) => string,
): Promise<void> {
  await mkdir(dirname(pathOf(0)), { recursive: true });
  const demo = await importDemo();
  const pipeline = await loadPipeline(demo.folder, { device: 'cpu', threads: undefined });
  for (const seed of indices) {
    const prompt = DEMO_PROMPTS[seed % DEMO_PROMPTS.length] ?? '';
    const request = { prompt, seed, width: side, height: side, numOutputs: 1 };
    for await (const picture of pipeline.generate(request)) {
      await sharpOf(picture)
        .png()
        .toFile(`${pathOf(seed)}.part`);
      await rename(`${pathOf(seed)}.part`, pathOf(seed));
    }
  }
  await pipeline.close();
  demo.remove();
}
