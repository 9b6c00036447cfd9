/** A repository on the hub, perhaps at a revision, perhaps one file of it. */
export interface HubReference {
  /** Such as `stabilityai/stable-diffusion-xl-base-1.0`. */
  readonly repository: string;
  /** A branch, tag or commit. */
  readonly revision: string;
  /** A file of the repository, with forward slashes. */
  readonly file: string | undefined;
}

const WORD = '[A-Za-z0-9][A-Za-z0-9._-]{0,95}';
const REFERENCE = new RegExp(`^(${WORD}/${WORD})(?:@([A-Za-z0-9][A-Za-z0-9._-]*))?(?:/(.+))?$`);

/**
 * Reads `OWNER/NAME[@REVISION][/FILE]`; undefined for anything else. Whether the text means this or a
 * path is the caller's decision.
 */
export function parseHubReference(text: string): HubReference | undefined {
  const [, repository, revision = 'main', file] = REFERENCE.exec(text) ?? [];
  if (repository === undefined) return undefined;
  const parts = file?.split('/') ?? [];
  if (parts.some((part) => ['', '.', '..'].includes(part) || part.includes('\\'))) return undefined;
  return { repository, revision, file };
}
