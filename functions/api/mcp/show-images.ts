import type { CallToolResult } from '@modelcontextprotocol/server';
import type { RouteDeps } from '#functions/api/http/route-deps.ts';
import { imageBase64 } from '#functions/api/openai/present-openai.ts';
import { type ImageRecord, MEDIA_TYPES } from '#shared/core/inference.ts';
import type { Job } from '#shared/core/job.ts';

/**
 * The most base64 of one result, all its images together: clients refuse results of 1 MB and more,
 * and there is text beside them.
 */
const MOST_INLINE = 900_000;

type Content = CallToolResult['content'];

/**
 * A job's images as a tool shows them: as they are where they are small enough, otherwise as small
 * webp files. Where none can be made, or they are too large still, the URLs have to do.
 */
export async function showImages(
  deps: Pick<RouteDeps, 'blobs' | 'previewImage'>,
  job: Job,
): Promise<Content> {
  const each = MOST_INLINE / Math.max(1, job.images.length);
  const shown = await Promise.all(job.images.map((image) => showImage(deps, image, each)));
  return shown.flat();
}

async function showImage(
  deps: Pick<RouteDeps, 'blobs' | 'previewImage'>,
  image: ImageRecord,
  most: number,
): Promise<Content> {
  const data = await imageBase64(deps, image);
  if (data.length <= most) return [{ type: 'image', data, mimeType: MEDIA_TYPES[image.format] }];
  const preview = await deps.previewImage?.(Buffer.from(data, 'base64'));
  const small = preview && Buffer.from(preview).toString('base64');
  if (small === undefined || small.length > most) return [];
  return [{ type: 'image', data: small, mimeType: MEDIA_TYPES.webp }];
}
