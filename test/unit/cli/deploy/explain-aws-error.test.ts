import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { withAws } from '#functions/cli/deploy/explain-aws-error.ts';

const failing = (error: unknown) => withAws(() => Promise.reject(error));

describe('what AWS answers', () => {
  it('is one sentence when there are no credentials', async () => {
    const client = new S3Client({
      region: 'us-east-1',
      credentials: async () => {
        throw Object.assign(new Error('Could not load credentials from any providers'), {
          name: 'CredentialsProviderError',
        });
      },
    });
    await expect(withAws(() => client.send(new ListBucketsCommand({})))).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('is told in its own words, with what kind it is', async () => {
    const denied = Object.assign(new Error('not you'), {
      name: 'AccessDeniedException',
      $metadata: {},
    });
    await expect(failing(denied)).rejects.toMatchObject({
      code: 'permission-denied',
      message: 'AWS answered AccessDeniedException: not you',
    });
  });

  it('does not hide a bug of ours', async () => {
    const bug = new TypeError('undefined is not a function');
    await expect(failing(bug)).rejects.toBe(bug);
  });
});
