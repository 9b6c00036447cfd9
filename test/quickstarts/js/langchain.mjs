// The quick start of LangChain's DALL-E tool with base URL and key changed.
import assert from 'node:assert/strict';
import { DallEAPIWrapper } from '@langchain/openai';

const fields = {
  n: 1,
  model: 'dall-e-3',
  apiKey: process.env.ONESTEP_KEY,
  baseUrl: `${process.env.ONESTEP_URL}/v1`,
};
const url = await new DallEAPIWrapper(fields).invoke('a painting of a cat');
assert.match(url, /^http/);

const [inline] = await new DallEAPIWrapper({ ...fields, dallEResponseFormat: 'b64_json' }).invoke(
  'a painting of a cat',
);
assert.ok(inline);
