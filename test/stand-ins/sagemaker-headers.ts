import type { IncomingHttpHeaders } from 'node:http';

/** What SageMaker answers with 400. */
export class ValidationError extends Error {
  override readonly name = 'ValidationError';
}

export interface InvokeHeaders {
  readonly inferenceId: string | undefined;
  readonly filename: string | undefined;
  readonly contentType: string;
  readonly accept: string;
  readonly ttlSeconds: number;
  readonly timeoutSeconds: number;
}

const MAX_INLINE_BYTES = 128_000;

/** Checks a request of InvokeEndpointAsync as its API reference says; everything but the body is a header. */
export function parseInvokeHeaders(headers: IncomingHttpHeaders, body: Buffer): InvokeHeaders {
  const read = (name: string, pattern: RegExp): string | undefined => {
    const value = headers[`x-amzn-sagemaker-${name}`];
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || !pattern.test(value)) {
      throw new ValidationError(`1 validation error detected: Value '${value}' at '${name}'`);
    }
    return value;
  };
  const readNumber = (name: string, min: number, max: number, fallback: number): number => {
    const value = Number(read(name, /^\d+$/) ?? fallback);
    if (value < min || value > max) throw new ValidationError(`${name} is not in ${min}..${max}`);
    return value;
  };
  const inputLocation = read('inputlocation', /^(https|s3):\/\/.{1,1016}$/);
  if ((inputLocation === undefined) === (body.length === 0)) {
    throw new ValidationError('Exactly one of InputLocation and Body is required');
  }
  if (inputLocation !== undefined)
    throw new ValidationError('This stand-in reads no InputLocation');
  if (body.length > MAX_INLINE_BYTES) throw new ValidationError('Body is above 128000 bytes');
  return {
    inferenceId: read('inference-id', /^[!-~][ -~]{0,63}$/),
    filename: read('filename', /^(?=.{1,32}$)(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9_.-]*$/),
    contentType: read('content-type', /^[\x20-\x7e]{1,1024}$/) ?? headers['content-type'] ?? '',
    accept: read('accept', /^[\x20-\x7e]{1,1024}$/) ?? 'application/json',
    ttlSeconds: readNumber('requestttlseconds', 60, 21_600, 21_600),
    timeoutSeconds: readNumber('invocationtimeoutseconds', 1, 3_600, 900),
  };
}
