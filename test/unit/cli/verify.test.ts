import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verify } from '#functions/cli/commands/verify.ts';
import { deploymentKeys } from '#shared/core/deployment-keys.ts';
import { createClaimSigner } from '#shared/provenance/c2pa/claim-signer.ts';
import { createSelfMadeIdentity } from '#shared/provenance/c2pa/self-made-identity.ts';
import { signImage } from '#shared/provenance/c2pa/sign-image.ts';
import { runCommand } from '#test/helpers/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'onestep-verify-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const { key, chain } = await createSelfMadeIdentity(new Uint8Array(32).fill(3), new Date());
const authority = chain.slice(chain.lastIndexOf('-----BEGIN'));

const KEYS = deploymentKeys(new Uint8Array(32).fill(4));

let picture: string;
beforeAll(async () => {
  const create = { width: 8, height: 8, channels: 3, background: '#48a' } as const;
  const plain = await sharp({ create }).png().toBuffer();
  const claim = { version: '1', model: { name: 'demo', digest: 'ab' } };
  const signed = await signImage(plain, 'png', claim, createClaimSigner({ key, chain }));
  picture = file('picture.png', signed);
});

const run = (...words: string[]) =>
  runCommand('verify', verify, [picture, '--data', folder, ...words, '--json']);

describe('onestep verify', () => {
  it('trusts the authorities of a file', async () => {
    const { manifest } = JSON.parse(await run('--trust', file('ca.pem', `A list\n${authority}`)));
    expect(manifest).toMatchObject({ whole: true, trusted: true });
  });

  it.each([
    ['no certificates', 'A list'],
    ['an empty file', ''],
    ['a certificate in DER', Buffer.from(authority.replace(/-----.*?-----|\s/g, ''), 'base64')],
    ['a damaged one', authority.replace('MII', 'MXX')],
    ['one that ends early', `${authority.slice(0, 200)}\n-----END CERTIFICATE-----`],
  ])('does not judge by %s', async (_, content) => {
    await expect(run('--trust', file('bad.pem', content))).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining('bad.pem has '),
    });
  });

  it.each([
    ['is no JSON', 'keys'],
    ['is another', '{"receipts":{}}'],
    [
      'has no such key',
      JSON.stringify({ ...KEYS, receipts: { ...KEYS.receipts, public_key: 'AA' } }),
    ],
  ])('does not judge by a file of keys that %s', async (_, content) => {
    await expect(run('--keys', file('keys.json', content))).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining('keys.json has no keys of a deployment'),
    });
  });

  it('says why a picture can’t be read', async () => {
    const reading = (path: string) => runCommand('verify', verify, [path, '--data', folder]);
    await expect(reading('none.png')).rejects.toThrow(
      "none.png can't be read: there is no such file.",
    );
    await expect(reading(folder)).rejects.toThrow(`${folder} can't be read: it is a folder.`);
  });

  it('judges without a network by the keys of any deployment', async () => {
    const judged = JSON.parse(await run('--keys', file('other.json', JSON.stringify(KEYS))));
    expect(judged).toMatchObject({ verdict: 'signed', made_here: false });
  });
});
