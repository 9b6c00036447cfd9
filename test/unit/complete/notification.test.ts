import { describe, expect, it } from 'vitest';
import { parseNotification } from '#functions/complete/notification.ts';

const ENVELOPE = {
  awsRegion: 'us-east-1',
  eventTime: '2026-01-25T22:46:00.608Z',
  receivedTime: '2026-01-25T22:46:00.455Z',
  requestParameters: { contentType: 'application/json', endpointName: 'e' },
  inferenceId: '01kb0000000000000000000000',
  eventVersion: '1.0',
  eventSource: 'aws:sagemaker',
  eventName: 'InferenceResult',
};
const WORDS = {
  error: { code: 'out-of-memory', message: 'The GPU has no memory left', retryable: true },
};

describe("SageMaker's notifications", () => {
  it('reads a completion', () => {
    const body = {
      ...ENVELOPE,
      invocationStatus: 'Completed',
      responseParameters: { contentType: 'x', outputLocation: 's3://b/out/x.json' },
    };
    expect(parseNotification(JSON.stringify(body))).toEqual({
      job: ENVELOPE.inferenceId,
      status: 'Completed',
      outputLocation: 's3://b/out/x.json',
    });
  });

  it("reads one inside SNS's envelope", () => {
    const Message = JSON.stringify({ ...ENVELOPE, invocationStatus: 'Expired' });
    const body = JSON.stringify({ Type: 'Notification', MessageId: 'm', TopicArn: 't', Message });
    expect(parseNotification(body)).toEqual({ job: ENVELOPE.inferenceId, status: 'Expired' });
  });

  it.each([
    ['inside the parameters', { responseParameters: { failureLocation: 's3://b/fail/x' } }],
    ['beside them', { failureLocation: 's3://b/fail/x' }],
    [
      'beside parameters of another form',
      { responseParameters: 7, failureLocation: 's3://b/fail/x' },
    ],
  ])('finds where a failure was written: %s', (_, members) => {
    const body = {
      ...ENVELOPE,
      invocationStatus: 'Failed',
      failureReason: 'ClientError',
      ...members,
    };
    expect(parseNotification(JSON.stringify(body))).toMatchObject({
      status: 'Failed',
      failureReason: 'ClientError',
      failureLocation: 's3://b/fail/x',
    });
  });

  it.each([
    ['an object', WORDS],
    ['text', JSON.stringify(WORDS)],
    ['wrapped text', { content: JSON.stringify(WORDS), encoding: 'UTF-8' }],
    [
      'wrapped base64',
      { content: Buffer.from(JSON.stringify(WORDS)).toString('base64'), encoding: 'BASE64' },
    ],
  ])("reads the GPU function's own words: %s", (_, responseBody) => {
    const body = { ...ENVELOPE, invocationStatus: 'Failed', responseBody };
    expect(parseNotification(JSON.stringify(body)).error).toEqual(WORDS.error);
  });

  it('takes words of another form for none', () => {
    const body = { ...ENVELOPE, invocationStatus: 'Failed', responseBody: '<html>502</html>' };
    expect(parseNotification(JSON.stringify(body))).not.toHaveProperty('error');
  });

  it.each(['', '{}', 'null', '{"inferenceId":""}', '{"inferenceId":"a"}'])(
    'throws at what SageMaker did not write: %j',
    (body) => {
      expect(() => parseNotification(body)).toThrow();
    },
  );
});

describe("Lambda's records of asynchronous invocations", () => {
  const record = (condition: string, members: object = {}) =>
    JSON.stringify({
      version: '1.0',
      timestamp: '2026-11-26T20:00:00.000Z',
      requestContext: {
        requestId: 'e4b46cbf-b738-xmpl-8880-a18cdf61200e',
        functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:draws:$LATEST',
        condition,
        approximateInvokeCount: 1,
      },
      requestPayload: { job: 'job-1', prompt: 'a house' },
      ...members,
    });
  const responseContext = { statusCode: 200, executedVersion: '$LATEST' };

  it('reads a receipt as a completion', () => {
    const text = record('Success', { responseContext, responsePayload: { job: 'job-1' } });
    expect(parseNotification(text)).toEqual({ job: 'job-1', status: 'Completed' });
  });

  it("reads the function's own words for a failed inference", () => {
    const text = record('Success', { responseContext, responsePayload: WORDS });
    expect(parseNotification(text)).toEqual({
      job: 'job-1',
      status: 'Failed',
      error: WORDS.error,
    });
  });

  it('reads one that waited too long, and never ran', () => {
    expect(parseNotification(record('EventAgeExceeded'))).toEqual({
      job: 'job-1',
      status: 'Expired',
    });
  });

  it.each([
    ['a timeout', 'Sandbox.Timedout', 'RequestId: 1 Error: Task timed out after 900.00 seconds'],
    [
      'a crash',
      'Runtime.ExitError',
      'RequestId: 1 Error: Runtime exited with error: exit status 1',
    ],
  ])('reads %s by its reason', (_, errorType, errorMessage) => {
    const text = record('RetriesExhausted', {
      responseContext: { ...responseContext, functionError: 'Unhandled' },
      responsePayload: { errorType, errorMessage },
    });
    expect(parseNotification(text)).toEqual({
      job: 'job-1',
      status: 'Failed',
      failureReason: `${errorType} ${errorMessage}`,
    });
  });

  it('does not run again what was out of memory', () => {
    const text = record('RetriesExhausted', {
      responseContext: { ...responseContext, functionError: 'Unhandled' },
      responsePayload: {
        errorType: 'Runtime.ExitError',
        errorMessage: 'RequestId: 1 Error: Runtime exited with error: signal: killed',
      },
    });
    expect(parseNotification(text).error).toMatchObject({
      code: 'out-of-memory',
      retryable: false,
    });
  });
});
