// The quick start of the AI SDK with base URL and key changed, in the major that is named.
import assert from 'node:assert/strict';

const [ai, compatible, replicate] = process.argv.slice(2);
const { generateImage } = await import(ai);
const { createOpenAICompatible } = await import(compatible);
const { createReplicate } = await import(replicate);
const baseURL = `${process.env.ONESTEP_URL}/v1`;
const prompt = 'Santa Claus driving a Cadillac';

const apiKey = process.env.ONESTEP_KEY;
const openAi = createOpenAICompatible({ name: 'onestep', baseURL, apiKey });
for (const model of ['onestep/demo', 'gpt-image-1']) {
  const { image } = await generateImage({ model: openAi.imageModel(model), prompt });
  assert.equal(image.mediaType, 'image/png');
}

const own = createReplicate({ baseURL, apiToken: apiKey });
const { images } = await generateImage({ model: own.image('onestep/demo'), prompt, n: 2 });
assert.deepEqual(
  images.map(({ mediaType }) => mediaType),
  ['image/png', 'image/png'],
);
