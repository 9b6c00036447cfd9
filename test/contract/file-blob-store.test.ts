import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFileBlobStore } from '#shared/adapters/files/file-blob-store.ts';
import { describeBlobStore } from './blob-store.ts';

const makeRoot = () => mkdtempSync(join(tmpdir(), 'onestep-blobs-'));

describeBlobStore('files', async () => {
  const root = makeRoot();
  return {
    blobs: createFileBlobStore({ root }),
    close: () => rmSync(root, { recursive: true }),
  };
});

test('a folder that a prefix of a key names is no object', async () => {
  const root = makeRoot();
  const blobs = createFileBlobStore({ root });
  await blobs.put('outputs/a/0.png', new Uint8Array(3), 'image/png');
  expect(await blobs.head('outputs/a')).toBeUndefined();
  expect(await blobs.get('outputs/a/0.png/1')).toBeUndefined();
  rmSync(root, { recursive: true });
});
