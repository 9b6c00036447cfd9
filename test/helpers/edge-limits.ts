import type { CloudFrontRequest, CloudFrontResponse } from '#functions/edge/origin-request.ts';

/** Limits of an origin-request function, from CloudFront's developer guide. */
const MAX_ANSWER_BYTES = 1_048_576;
const MAX_ADDRESS_CHARACTERS = 8_192;
const MAX_HEADERS_BYTES = 20_480;

/** Headers that a function may neither add, change nor take away at an origin request. */
const READ_ONLY = [
  'accept-encoding',
  'content-length',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'transfer-encoding',
  'via',
];

/** Headers that a function may not have in what it gives back. */
const DISALLOWED = [
  /^(connection|expect|keep-alive|proxy-(authenticate|authorization|connection)|trailer|upgrade)$/,
  /^x-accel-(buffering|charset|limit-rate|redirect)$/,
  /^x-amz-cf-/,
  /^x-amzn-(auth|cf-billing|cf-id|cf-xff|errortype|fle-profile|header-count|header-order)$/,
  /^x-amzn-(lambda-integration-tag|requestid)$/,
  /^x-edge-/,
  /^x-(cache|forwarded-proto|real-ip)$/,
];

/** Whether a header is neither shown to an edge function nor taken from it. */
export function isDisallowed(name: string): boolean {
  return DISALLOWED.some((pattern) => pattern.test(name));
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a header must not have.
const CONTROL = /[\0-\x08\n-\x1f\x7f]/;

/**
 * What CloudFront checks in what the edge function gives back.
 * @throws Error where CloudFront would answer 502 in its place
 */
export function assertEdgeResult(
  asked: CloudFrontRequest,
  result: CloudFrontRequest | CloudFrontResponse,
): void {
  const faults = 'status' in result ? answerFaults(result) : requestFaults(asked, result);
  const all = [...headerFaults(result.headers), ...faults];
  if (all.length > 0) throw new Error(`The edge function's result is invalid: ${all.join('; ')}`);
}

function answerFaults(answer: CloudFrontResponse): string[] {
  const faults: string[] = [];
  const bytes = Buffer.byteLength(answer.body) + Buffer.byteLength(JSON.stringify(answer.headers));
  if (bytes > MAX_ANSWER_BYTES) faults.push(`an answer of ${bytes} bytes`);
  if (!/^[2-5]\d\d$/.test(answer.status)) faults.push(`status ${answer.status}`);
  for (const name of ['content-length', 'transfer-encoding', 'via']) {
    if (name in answer.headers) faults.push(`an answer with ${name}`);
  }
  return faults;
}

function requestFaults(asked: CloudFrontRequest, passed: CloudFrontRequest): string[] {
  const faults: string[] = [];
  for (const name of READ_ONLY) {
    if (JSON.stringify(asked.headers[name]) !== JSON.stringify(passed.headers[name])) {
      faults.push(`${name} is read-only`);
    }
  }
  if (passed.method !== asked.method) faults.push('the method is read-only');
  if (`${passed.uri}?${passed.querystring}`.length > MAX_ADDRESS_CHARACTERS) {
    faults.push('an address of more than 8,192 characters');
  }
  if (!passed.uri.startsWith('/')) faults.push(`the address ${passed.uri}`);
  if (passed.body?.inputTruncated === true && passed.body.action === 'replace') {
    faults.push('a body that was cut off is replaced');
  }
  return faults;
}

function headerFaults(headers: CloudFrontRequest['headers']): string[] {
  const faults: string[] = [];
  let bytes = 0;
  for (const [name, values] of Object.entries(headers)) {
    if (name !== name.toLowerCase()) faults.push(`${name} is not in lower case`);
    if (isDisallowed(name)) faults.push(`${name} is not allowed`);
    for (const { key = name, value } of values) {
      if (key.toLowerCase() !== name || !TOKEN.test(key)) faults.push(`${key} is not ${name}`);
      if (CONTROL.test(value)) faults.push(`${name} has a control character`);
      bytes += key.length + Buffer.byteLength(value);
    }
  }
  if (bytes > MAX_HEADERS_BYTES) faults.push(`${bytes} bytes of headers`);
  return faults;
}
