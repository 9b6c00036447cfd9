/** What is known about a stored object without reading it. */
export interface BlobInfo {
  readonly key: string;
  readonly sizeBytes: number;
  readonly contentType: string;
  /** Milliseconds since the Unix epoch. */
  readonly modifiedAt: number;
}

export interface SignOptions {
  /** When the URL stops working, in milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  /** The name under which a browser saves the file. */
  readonly filename: string;
  readonly contentType: string;
}

/**
 * Objects under keys such as `outputs/<job>/0.png`. A key is made of `[A-Za-z0-9._-]` parts joined
 * by `/`, without `.` and `..`; anything else is an `invalid-request` error.
 */
export interface BlobStore {
  /** Stores the whole object, or nothing. Replaces an object of the same key. */
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>;
  /** The object's bytes (of the inclusive range, where one is given), or undefined. */
  get(
    key: string,
    range?: { readonly start: number; readonly end: number },
  ): Promise<Uint8Array | undefined>;
  head(key: string): Promise<BlobInfo | undefined>;
  /** Deletes the object; an absent one is no error. */
  delete(key: string): Promise<void>;
  /** Keys that begin with the prefix, in no particular order. */
  list(prefix: string): Promise<readonly string[]>;
  /** A URL that authorises itself until it expires. Minted at read; never stored, never logged. */
  signedUrl(key: string, options: SignOptions): Promise<string>;
}
