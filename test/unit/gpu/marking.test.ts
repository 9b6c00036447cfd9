import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadGpuConfig } from '#functions/gpu/config.ts';
import { readMarking } from '#functions/gpu/marking.ts';
import { createSelfMadeIdentity } from '#shared/provenance/c2pa/self-made-identity.ts';

const folder = mkdtempSync(join(tmpdir(), 'onestep-marking-'));
const [keyFile, chainFile] = ['key.pem', 'chain.pem'].map((name) => join(folder, name)) as [
  string,
  string,
];
const { key, chain } = await createSelfMadeIdentity(new Uint8Array(32), new Date());
writeFileSync(keyFile, key);
writeFileSync(chainFile, chain);
afterAll(() => rmSync(folder, { recursive: true }));

const ARN = 'arn:aws:kms:eu-central-1:123456789012:key/1';
const marking = (env: Record<string, string>) => readMarking(loadGpuConfig(env, []));

describe('what the GPU function marks with', () => {
  it('is self-made unless it is told, from files, or a key of KMS', () => {
    expect(marking({})).toEqual({ watermark: true, timeStampUrl: undefined });
    expect(marking({ C2PA_KEY_FILE: keyFile, C2PA_CHAIN_FILE: chainFile }).identity).toEqual({
      key,
      chain,
    });
    expect(marking({ C2PA_KMS_KEY: ARN, C2PA_CHAIN_FILE: chainFile }).identity).toEqual({
      kmsKey: ARN,
      chain,
    });
  });

  it.each([
    [{ C2PA_KEY_FILE: keyFile }, 'C2PA_CHAIN_FILE comes together with'],
    [{ C2PA_CHAIN_FILE: chainFile }, 'C2PA_CHAIN_FILE comes together with'],
    [{ C2PA_KMS_KEY: ARN }, 'C2PA_CHAIN_FILE comes together with'],
    [
      { C2PA_KMS_KEY: ARN, C2PA_KEY_FILE: keyFile, C2PA_CHAIN_FILE: chainFile },
      'C2PA_CHAIN_FILE comes together with',
    ],
    [{ C2PA_KEY_FILE: join(folder, 'none'), C2PA_CHAIN_FILE: chainFile }, "none can't be read."],
    [{ C2PA_TIME_STAMP_URL: 'ldap://stamps.example.com' }, 'C2PA_TIME_STAMP_URL'],
    [{ C2PA_KEY_FILE: chainFile, C2PA_CHAIN_FILE: chainFile }, 'c2pa.key: this is no PEM'],
  ])('is refused at start where it can’t be: %o', (env, problem) => {
    expect(() => marking(env as Record<string, string>)).toThrow(problem);
  });
});
