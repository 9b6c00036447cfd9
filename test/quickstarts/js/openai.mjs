// The quick start of `openai` with base URL and key changed, in the major that is named.
import assert from 'node:assert/strict';

const { default: OpenAI } = await import(process.argv[2]);
const client = new OpenAI({
  baseURL: `${process.env.ONESTEP_URL}/v1`,
  apiKey: process.env.ONESTEP_KEY,
});

const prompt = 'a children’s book drawing of a veterinarian';
const image = await client.images.generate({ model: 'gpt-image-1', prompt, size: '1536x1024' });
assert.equal(Buffer.from(image.data[0].b64_json, 'base64').toString('latin1', 1, 4), 'PNG');
assert.ok(image.warnings[0].includes('1536x1024'));

const link = await client.images.generate({ model: 'dall-e-3', prompt, style: 'vivid' });
const file = await fetch(link.data[0].url);
assert.equal(file.headers.get('content-type'), 'image/png');
// An answer that is not read keeps its connection, and this process.
assert.ok((await file.arrayBuffer()).byteLength > 1000);

const stream = await client.images.generate({
  model: 'gpt-image-1',
  prompt,
  stream: true,
  partial_images: 2,
});
const events = [];
for await (const event of stream) events.push(event.type);
assert.deepEqual(events, ['image_generation.completed']);
