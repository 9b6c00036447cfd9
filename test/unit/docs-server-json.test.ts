import { expect, it } from 'vitest';
import { ENGINE_VERSION } from '#shared/engine/pipeline/engine-version.ts';
import { readFromRoot } from '#test/helpers/root.ts';

it('the MCP registry is told of this version, under the path that serves it', () => {
  const { version, remotes } = JSON.parse(readFromRoot('docs/server.json'));
  expect(version).toBe(ENGINE_VERSION);
  expect(remotes).toMatchObject([
    { type: 'streamable-http', url: expect.stringMatching(/^https:\/\/\{host\}\/mcp$/) },
  ]);
});
