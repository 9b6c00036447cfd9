import { createPrivateKey } from 'node:crypto';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { createClaimSigner, type PemIdentity } from '#shared/provenance/c2pa/claim-signer.ts';
import { readC2paManifest } from '#shared/provenance/c2pa/read-c2pa-manifest.ts';
import { signImage } from '#shared/provenance/c2pa/sign-image.ts';
import { makeCertificates } from '#test/helpers/certificates.ts';

const certificates = makeCertificates();
afterAll(() => certificates.remove());
const { root, intermediate, issue } = certificates;

/** The extensions of a certificate that signs, for these purposes. */
const signing = (purposes: string) =>
  `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=${purposes}\n`;
const CLAIMS = '1.3.6.1.4.1.62558.2.1';
const own = issue(signing(CLAIMS));
const withChain = ({ key, chain }: PemIdentity, ...others: string[]): PemIdentity => ({
  key,
  chain: [chain, ...others].join('\n'),
});

const plain = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#48a' } })
  .png()
  .toBuffer();
const signed = (identity: PemIdentity) =>
  signImage(
    plain,
    'png',
    { version: '1', model: { name: 'demo', digest: 'ab' } },
    createClaimSigner(identity),
  );

describe('certificates that are taken', () => {
  it.each([
    ['C2PA claims', CLAIMS],
    ['mail', 'emailProtection'],
    ['documents', '1.3.6.1.5.5.7.3.36'],
    ["Microsoft's C2PA", '1.3.6.1.4.1.311.76.59.1.9'],
  ])('may be made for %s, and readers trust them', async (_, purposes) => {
    const image = await signed(withChain(issue(signing(purposes)), intermediate));
    const facts = await readC2paManifest(image, 'image/png', root);
    expect(facts).toMatchObject({ whole: true, trusted: true, problems: [] });
  });

  it('may come with the root, or without any authority', () => {
    expect(createClaimSigner(withChain(own, intermediate, root)).chain).toHaveLength(3);
    expect(createClaimSigner(own).chain).toHaveLength(1);
  });
});

describe('certificates that are refused', () => {
  const encrypted = createPrivateKey(own.key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString();
  const authority = signing(CLAIMS)
    .replace('CA:FALSE', 'CA:TRUE')
    .replace('digitalSignature', 'digitalSignature,keyCertSign');
  it.each<[string, PemIdentity, string]>([
    ['an empty chain', { ...own, chain: '' }, 'there is no certificate'],
    ['P-384', issue(signing(CLAIMS), { curve: 'P-384' }), 'not of an EC key of the curve P-256'],
    ['a key with a passphrase', { ...own, key: encrypted }, 'it needs a passphrase'],
    ['a public key', { ...own, key: own.chain }, 'this is no PEM'],
    ["another key's", { ...own, key: issue(signing(CLAIMS)).key }, "not the key's"],
    ['a web server’s', issue(signing('serverAuth')), 'not made for C2PA claims'],
    ['one for no purpose', issue(signing(CLAIMS).replace(/extended.*\n/, '')), 'not made for'],
    ["an authority's", issue(authority), "is an authority's"],
    ['the authority first', { ...own, chain: intermediate + own.chain }, "is an authority's"],
    ['a chain that jumps', withChain(own, root, intermediate), 'certificate 2 in it is not of the'],
    ['a chain with a gap', withChain(own, root), 'certificate 2 in it is not of the authority'],
    [
      'a chain that ends elsewhere',
      withChain(own, intermediate, own.chain),
      'certificate 3 in it is not of the authority',
    ],
  ])('%s', (_, identity, problem) => {
    expect(() => createClaimSigner(identity)).toThrow(
      expect.objectContaining({
        code: 'invalid-request',
        message: expect.stringContaining(problem),
      }),
    );
  });
});

it('a file whose certificate has expired is whole, and a changed one is not', async () => {
  const expired = withChain(issue(signing(CLAIMS), { days: -1 }), intermediate);
  const image = await signed(expired);
  const problems = ['signingCredential.expired'];
  expect(await readC2paManifest(image, 'image/png', root)).toMatchObject({
    whole: true,
    trusted: false,
    problems,
  });
  const last = image.length - 1;
  image[last] = (image[last] ?? 0) ^ 1;
  expect(await readC2paManifest(image, 'image/png', root)).toMatchObject({
    whole: false,
    problems: [...problems, 'assertion.dataHash.mismatch'],
  });
});

it('a claim that was written over is noticed, whatever the certificate', async () => {
  for (const days of [30, -1]) {
    const image = Buffer.from(
      await signed(withChain(issue(signing(CLAIMS), { days }), intermediate)),
    );
    const claim = image.indexOf('claim_generator_info');
    const name = image.indexOf('nestep', claim);
    image.write('NESTEP', name, 'latin1');
    const facts = await readC2paManifest(image, 'image/png', root);
    expect(facts, `${days} days`).toMatchObject({ whole: false, trusted: false });
  }
});
