// Makes a picture through the functions that orval generated.
import { createPrediction, getPrediction } from './generated';

const authorization = `Bearer ${process.env['ONESTEP_KEY']}`;
const made = await createPrediction(
  { input: { prompt: 'a mill', seed: 7 } },
  { headers: { authorization, prefer: 'wait=30' } },
);
if (made.status !== 201 || made.data.receipt?.images[0]?.seed !== 7)
  throw new Error(JSON.stringify(made));
const missing = await getPrediction('none', { headers: { authorization } });
if (missing.status !== 404 || missing.data.error.code !== 'not_found')
  throw new Error('there is such a prediction');
