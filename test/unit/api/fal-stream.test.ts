import { expect, test } from 'vitest';
import type { JobId } from '#shared/core/ids.ts';
import { createApiHarness, TEST_MODEL } from '#test/helpers/api-harness.ts';

test("fal's stream of statuses ends in COMPLETED, also when its logs were whole before", async () => {
  const api = await createApiHarness({ behaviour: 'hold' });
  try {
    const path = `/fal/queue/${TEST_MODEL.name}`;
    const submitted = await api.send(path, { json: { prompt: 'a mill' } });
    const { request_id: id } = await submitted.json();
    await expect.poll(() => api.gpu.held.size).toBe(1);
    await api.services.settlement.applyStart(id as JobId, Date.now());
    api.gpu.queue.progress = async () => ({ phase: 'running', imagesDone: 1 });
    const answer = await api.send(`${path}/requests/${id}/status/stream?logs=1`);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('1/1')) text += (await reader?.read())?.value ?? '';
    for (const request of api.gpu.held.values()) await api.gpu.finish(request);
    for (let end = false; !end; ) {
      const { done = true, value = '' } = (await reader?.read()) ?? {};
      [end, text] = [done, text + value];
    }
    const statuses = [...text.matchAll(/"status":"(\w+)"/g)].map(([, status]) => status);
    expect(statuses.at(-1)).toBe('COMPLETED');
  } finally {
    await api.close();
  }
});
