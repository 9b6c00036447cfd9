import { BASE } from '#functions/api/browser/api.ts';

const NAME = 'prediction';

/** The id of the prediction that the address names, as in a prediction's `urls.web`. */
export function addressedPrediction(): string | undefined {
  return new URLSearchParams(location.search).get(NAME) ?? undefined;
}

/** Puts a prediction into the address, so that reloading, going back and sharing lead to it. */
export function setAddress(id: string): void {
  if (addressedPrediction() !== id) history.pushState(null, '', `${BASE}/?${NAME}=${id}`);
}
