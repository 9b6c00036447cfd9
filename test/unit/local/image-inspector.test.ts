import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { createImageInspector } from '#functions/local/image-inspector.ts';

const inspector = createImageInspector();
afterAll(() => inspector.close());

const blank = (side: number) =>
  sharp({ create: { width: side, height: side, channels: 3, background: '#48a' } })
    .png()
    .toBuffer();

it('looks at one picture after the other, so that several large ones do not fill the memory', async () => {
  const files = [await blank(3000), await blank(8), Buffer.alloc(0), await blank(8)];
  const done: number[] = [];
  await Promise.all(
    files.map((file, index) =>
      inspector
        .inspect(file)
        .catch(({ code }) => expect(code).toBe('invalid-file'))
        .finally(() => done.push(index)),
    ),
  );
  expect(done).toEqual([0, 1, 2, 3]);
});
