import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Served, StartServed } from '#test/helpers/served.ts';

interface Content {
  readonly type: string;
  readonly text?: string;
  readonly data?: string;
}

/** The protocol's revisions: those with a handshake, and the one since 2026. */
const ERAS = [
  ['2025', { mode: 'legacy' }],
  ['2026', { mode: { pin: '2026-07-28' } }],
] as const;

/** What an MCP client is promised, against any deployment. */
export function describeMcpClient(where: string, start: StartServed): void {
  let server: Served;
  let client: Client;

  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server.close();
  });

  async function callTool(name: string, args: Record<string, unknown>) {
    const result = await client.callTool({ name, arguments: args });
    const { content, structuredContent: facts, isError = false } = result;
    return { isError, content: content as Content[], facts: facts as Record<string, unknown> };
  }

  describe.each(ERAS)(`an agent over MCP of %s: ${where}`, (_era, versionNegotiation) => {
    beforeAll(async () => {
      client = new Client({ name: 'test', version: '1' }, { versionNegotiation });
      const transport = new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), {
        requestInit: { headers: { authorization: `Bearer ${server.keys.key}` } },
      });
      await client.connect(transport);
    });
    afterAll(async () => {
      await client.close();
    });

    it('finds the tools', async () => {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(['generate', 'get_prediction', 'list_models']);
    });

    it('lists the models with their prices', async () => {
      const { content, facts } = await callTool('list_models', {});
      expect(facts).toMatchObject({
        models: [{ name: 'onestep/demo', default_size: '256x256', price_per_image: '$0.004' }],
      });
      expect(JSON.parse(content[0]?.text ?? '')).toEqual(facts);
    });

    it('makes an image and sees it, and reads it again', async () => {
      const drawn = await callTool('generate', { prompt: 'a red circle', seed: 5 });
      const { content, isError, facts } = drawn;
      expect(isError).toBe(false);
      const { format } = await sharp(Buffer.from(content[0]?.data ?? '', 'base64')).metadata();
      expect(format).toBe('png');
      expect(facts).toMatchObject({ status: 'succeeded', seed: 5, cost_micro_usd: 4000 });
      expect(facts['urls']).toHaveLength(1);
      expect(JSON.parse(content[1]?.text ?? '')).toEqual(facts);
      const again = await callTool('get_prediction', { id: facts['id'] });
      expect(again.content[0]?.data).toBe(content[0]?.data);
    });

    it('is told in words what is wrong', async () => {
      const { content, isError } = await callTool('generate', { prompt: 'x', size: '1000x7' });
      expect(isError).toBe(true);
      expect(content[0]?.text).toMatch(/^size:/);
    });

    it('is refused an argument that the tool does not have, for nothing', async () => {
      const balance = async () => (await server.call('GET', '/v1/account')).balance;
      const before = await balance();
      const args = { prompt: 'x', steps: 4 };
      const asked = callTool('generate', args).then(
        ({ isError, content }) => `${isError} ${content[0]?.text}`,
        (error: Error) => error.message,
      );
      expect(await asked).toContain('steps');
      expect(await balance()).toBe(before);
    });

    it('sends one message at a time', async () => {
      const message = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
      const answer = await fetch(`${server.url}/mcp`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${server.keys.key}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify([message, { ...message, id: 2 }]),
      });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain('no batches');
    });

    it('gets nowhere without a key', async () => {
      const answer = await fetch(`${server.url}/mcp`, { method: 'POST', body: '{}' });
      expect(answer.status).toBe(401);
    });
  });
}
