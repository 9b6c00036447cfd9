import { createHash } from 'node:crypto';

/** Takes the SHA-256 of one file after another. */
export interface Digest {
  /**
   * Adds bytes to the file's digest.
   *
   * @param bytes must not change until this resolves
   */
  update(bytes: Uint8Array<SharedArrayBuffer>): Promise<void>;
  /** The digest of the file, hex; later bytes belong to the next file. */
  finish(): Promise<string>;
}

/** Takes digests where it is called: for files that are hashed sooner than a thread starts. */
export class InlineDigest implements Digest {
  private hash = createHash('sha256');

  async update(bytes: Uint8Array<SharedArrayBuffer>): Promise<void> {
    this.hash.update(bytes);
  }

  async finish(): Promise<string> {
    const { hash } = this;
    this.hash = createHash('sha256');
    return hash.digest('hex');
  }
}
