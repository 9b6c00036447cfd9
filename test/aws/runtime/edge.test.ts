import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { CloudFrontRequest, CloudFrontResponse } from '#functions/edge/origin-request.ts';
import { macSecretName } from '#shared/deployment/names.ts';
import { createCloudSecret } from '#test/helpers/cloud-resources.ts';
import { type DeployedFunctions, synthesiseFunctions } from '#test/helpers/deployed-functions.ts';
import { assertEdgeResult } from '#test/helpers/edge-limits.ts';
import {
  type ClientRequest,
  isEdgeAnswer,
  originRequestEvent,
} from '#test/helpers/lambda-events.ts';
import {
  type EmulatedFunction,
  emulateFunction,
} from '#test/stand-ins/lambda/emulated-function.ts';
import { installLambda } from '#test/stand-ins/lambda/install.ts';

const HOST = 'd111111abcdef8.cloudfront.net';
const KIB = 1024;

let deployed: DeployedFunctions;
let edge: EmulatedFunction;

beforeAll(async () => {
  const parts = await installLambda();
  deployed = await synthesiseFunctions({});
  await createCloudSecret(macSecretName('dev'));
  const { accessKeyId, secretAccessKey, moto } = inject('standIns');
  const { edge: fn } = deployed.functions;
  edge = await emulateFunction({
    parts,
    fn: { ...fn, environment: { AWS_ENDPOINT_URL_SECRETS_MANAGER: moto } },
    credentials: { accessKeyId, secretAccessKey },
    onLine: () => undefined,
  });
}, 600_000);
afterAll(async () => {
  await edge?.stop();
  deployed?.remove();
});

/** What CloudFront does with a client's request, held to CloudFront's limits. */
async function ask(
  request: Partial<ClientRequest>,
): Promise<CloudFrontRequest | CloudFrontResponse> {
  const whole = { method: 'GET', path: '/', headers: {}, body: Buffer.alloc(0), ...request };
  const event = originRequestEvent(whole, HOST);
  const result = (await edge.invoke(event)) as CloudFrontRequest | CloudFrontResponse;
  assertEdgeResult(event.Records[0].cf.request, result);
  return result;
}

async function statusOf(request: Partial<ClientRequest>): Promise<number> {
  const result = await ask(request);
  if (!isEdgeAnswer(result)) throw new Error('It was let through.');
  return Number(result.status);
}

describe('the edge bundle, as CloudFront calls it', () => {
  it('has no environment of its own', () => {
    expect(deployed.functions.edge.environment).toEqual({});
    expect(deployed.functions.edge.refers).toEqual([]);
  });

  it('lets a public page through, with the headers that are read-only as they came', async () => {
    const headers = {
      'accept-encoding': 'gzip, br',
      'if-none-match': '"x"',
      connection: 'keep-alive',
      'x-forwarded-proto': 'https',
    };
    const result = await ask({ path: '/sign-in?to=%2Fkeys', headers });
    if (isEdgeAnswer(result)) throw new Error(`It was answered: ${result.status}`);
    expect(result).toMatchObject({ uri: '/sign-in', querystring: 'to=%2Fkeys' });
    expect(result.headers['x-onestep-host']?.[0]?.value).toBe(HOST);
    expect(result.headers['accept-encoding']?.[0]?.value).toBe('gzip, br');
  });

  it('takes a body of 64 KiB by its hash, refuses more, and one that CloudFront cut at 1 MiB', async () => {
    const post = (bytes: number) => ({
      method: 'POST',
      path: '/sign-in',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': String(bytes),
      },
      body: Buffer.alloc(bytes, 'a'),
    });
    const passed = await ask(post(64 * KIB));
    expect(isEdgeAnswer(passed)).toBe(false);
    expect(passed.headers['x-amz-content-sha256']?.[0]?.value).toMatch(/^[0-9a-f]{64}$/);
    expect(await statusOf(post(64 * KIB + 1))).toBe(413);
    expect(await statusOf(post(1_024 * KIB + 1))).toBe(413);
  });

  it('answers a missing and a forged key itself, in small', async () => {
    expect(await statusOf({ path: '/v1/models' })).toBe(401);
    const forged = `os_live_${randomUUID().replaceAll('-', '')}`;
    const headers = { authorization: `Bearer ${forged}` };
    expect(await statusOf({ path: '/v1/models', headers })).toBe(401);
  });

  it('answers what no request can be made of, and a preflight of another site', async () => {
    expect(await statusOf({ path: '/', headers: { 'x-odd': 'a\u0000b' } })).toBe(400);
    expect(await statusOf({ method: 'OPTIONS', path: '/v1/models' })).toBe(204);
  });

  it('takes the longest address that CloudFront gives', async () => {
    const path = `/sign-in?to=${'a'.repeat(8_192 - '/sign-in?to='.length)}`;
    expect(isEdgeAnswer(await ask({ path }))).toBe(false);
  });
});
