import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PemIdentity } from '#shared/provenance/c2pa/claim-signer.ts';

/** An authority of OpenSSL's, with one below it that issues certificates. */
export interface Certificates {
  /** PEM. */
  readonly root: string;
  readonly intermediate: string;
  /**
   * A key and its certificate alone, issued by the intermediate.
   *
   * @param extensions as in OpenSSL's configuration
   */
  issue(extensions: string, options?: { curve?: string; days?: number }): PemIdentity;
  remove(): void;
}

const AUTHORITY = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n';

export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'onestep-certificates-'));
  const openssl = (...words: string[]): void => {
    execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' });
  };
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const make = (
    name: string,
    issuer: string | undefined,
    extensions: string,
    { curve = 'P-256', days = 30 } = {},
  ): PemIdentity => {
    const known = issuer === undefined ? '' : 'authorityKeyIdentifier=keyid\n';
    writeFileSync(join(folder, 'extensions'), `${extensions}${known}subjectKeyIdentifier=hash\n`);
    const key = ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`, '-nodes'];
    const files = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
    openssl('req', '-new', ...key, ...files, '-subj', `/O=Test/CN=${name}`);
    const signing =
      issuer === undefined
        ? ['-signkey', `${name}.key`]
        : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial'];
    const made = ['-extfile', 'extensions', '-days', String(days), '-out', `${name}.pem`];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signing, ...made);
    return { key: read(`${name}.key`), chain: read(`${name}.pem`) };
  };
  return {
    root: make('root', undefined, AUTHORITY).chain,
    intermediate: make('intermediate', 'root', AUTHORITY).chain,
    issue: (extensions, options) => make('signer', 'intermediate', extensions, options),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
