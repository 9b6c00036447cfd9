import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** OpenSSL's time stamp authority behind HTTP, as RFC 3161 has it. */
export interface TimeStampAuthority {
  readonly url: string;
  /** PEM of the authority that vouches for it. */
  readonly authority: string;
  close(): void;
}

const CONFIG = `[tsa]
default_tsa = own
[own]
serial = ./serial
signer_cert = ./tsa.pem
signer_key = ./tsa.key
certs = ./tsa-ca.pem
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
`;
const EXTENSIONS = `basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
authorityKeyIdentifier = keyid
subjectKeyIdentifier = hash
`;
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** @param folder an empty one, for its keys */
export async function startTimeStampAuthority(folder: string): Promise<TimeStampAuthority> {
  const openssl = (...words: string[]): Buffer =>
    execFileSync('openssl', words, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
  writeFileSync(join(folder, 'tsa.cnf'), CONFIG);
  writeFileSync(join(folder, 'extensions'), EXTENSIONS);
  writeFileSync(join(folder, 'serial'), '01');
  const root = ['-keyout', 'tsa-ca.key', '-out', 'tsa-ca.pem', '-subj', '/O=Test/CN=TSA authority'];
  const may = ['-addext', 'keyUsage=critical,keyCertSign'];
  openssl('req', '-x509', ...NEW_KEY, ...root, '-days', '30', ...may);
  openssl('req', ...NEW_KEY, '-keyout', 'tsa.key', '-out', 'tsa.csr', '-subj', '/O=Test/CN=TSA');
  const signed = ['-CA', 'tsa-ca.pem', '-CAkey', 'tsa-ca.key', '-CAcreateserial', '-days', '30'];
  openssl('x509', '-req', '-in', 'tsa.csr', ...signed, '-extfile', 'extensions', '-out', 'tsa.pem');

  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    writeFileSync(join(folder, 'query'), Buffer.concat(parts));
    response.setHeader('content-type', 'application/timestamp-reply');
    response.end(openssl('ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'query'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    authority: join(folder, 'tsa-ca.pem'),
    close: () => server.close(),
  };
}
