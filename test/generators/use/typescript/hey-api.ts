// Makes a picture through the client that hey-api's openapi-ts generated.
import { createPrediction, getPrediction } from './generated';
import { client } from './generated/client.gen';

client.setConfig({
  baseUrl: process.env['ONESTEP_URL'] ?? '',
  auth: process.env['ONESTEP_KEY'] ?? '',
});
const { data, error } = await createPrediction({
  body: { input: { prompt: 'a mill', seed: 7 } },
  headers: { Prefer: 'wait=30' },
});
if (data?.output?.length !== 1 || data.receipt?.images[0]?.seed !== 7)
  throw new Error(JSON.stringify(error ?? data));
const missing = await getPrediction({ path: { id: 'none' } });
if (missing.error?.error.code !== 'not_found') throw new Error('there is such a prediction');
