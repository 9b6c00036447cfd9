import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '#shared/core/errors.ts';
import { readPemFile } from '#shared/provenance/c2pa/pem-files.ts';
import { createMarking, type Marking } from '#shared/provenance/marking.ts';
import { loadSecrets } from './secrets-file.ts';
import type { ServeConfig } from './serve-config.ts';
import { writePrivateFile } from './write-private-file.ts';

type MarkingSettings = Pick<ServeConfig, 'c2pa' | 'watermark'>;

/** Whole paths of the PEM files that images are signed with. */
export interface C2paFiles {
  readonly key: string;
  readonly chain: string;
}

/**
 * The files that the settings name; without any, a key and certificates of the data folder's own, made on
 * the first start.
 *
 * @param secret the data folder's secret of receipts
 * @throws AppError `invalid-request` when a file of the settings is not there
 */
export async function ensureC2paFiles(
  { c2pa }: Pick<MarkingSettings, 'c2pa'>,
  data: string,
  secret: Uint8Array,
): Promise<C2paFiles> {
  if (c2pa?.key !== undefined && c2pa.chain !== undefined) {
    return { key: existing('c2pa.key', c2pa.key), chain: existing('c2pa.chain', c2pa.chain) };
  }
  const folder = join(resolve(data), 'c2pa');
  const files = { key: join(folder, 'key.pem'), chain: join(folder, 'chain.pem') };
  if (!existsSync(files.chain)) {
    const { createSelfMadeIdentity } = await import(
      '#shared/provenance/c2pa/self-made-identity.ts'
    );
    const { key, chain } = await createSelfMadeIdentity(secret, new Date());
    mkdirSync(folder, { recursive: true });
    writePrivateFile(files.key, key);
    writePrivateFile(files.chain, chain);
  }
  return files;
}

/** What `onestep generate` marks with: the same as a server of this data folder. */
export async function localMarking(data: string, settings: MarkingSettings): Promise<Marking> {
  mkdirSync(data, { recursive: true });
  const { receiptSigningKey } = loadSecrets(data);
  const files = await ensureC2paFiles(settings, data, receiptSigningKey);
  const identity = {
    key: readPemFile(files.key),
    chain: readPemFile(files.chain),
  };
  const { watermark, c2pa } = settings;
  const timeStampUrl = c2pa?.timeStampUrl;
  return createMarking(receiptSigningKey, { watermark, identity, timeStampUrl });
}

function existing(setting: string, file: string): string {
  const path = resolve(file);
  if (existsSync(path)) return path;
  throw new AppError('invalid-request', `${setting}: there is no ${path}.`);
}
