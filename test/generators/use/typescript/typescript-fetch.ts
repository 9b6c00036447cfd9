// Makes a picture through the client that openapi-generator generated for TypeScript.
import { Configuration, PredictionsApi, ResponseError } from './generated';

const api = new PredictionsApi(
  new Configuration({
    basePath: process.env['ONESTEP_URL'] ?? '',
    accessToken: process.env['ONESTEP_KEY'] ?? '',
  }),
);
const made = await api.createPrediction({
  createPrediction: { input: { prompt: 'a mill', seed: 7 } },
  prefer: 'wait=30',
});
if (made.output?.length !== 1 || made.receipt?.images[0]?.seed !== 7)
  throw new Error(JSON.stringify(made));
const missing = await api.getPrediction({ id: 'none' }).catch((error: unknown) => error);
if (!(missing instanceof ResponseError) || missing.response.status !== 404)
  throw new Error('there is such a prediction');
