import { z } from 'zod';
import { defined } from '#shared/core/defined.ts';
import { type InferenceError, InferenceErrorSchema } from '#shared/core/inference.ts';
import { parseJson } from '#shared/service/domain/stored-json.ts';

/** What SageMaker says of a request that has ended, or Lambda of an invocation. */
export interface Notification {
  /** The job's id, given as InferenceId. */
  readonly job: string;
  /** `Completed`, `Failed`, `Expired`; or something that it did not say when this was written. */
  readonly status: string;
  readonly failureReason?: string;
  /** The GPU function's own words, where the message carries them. */
  readonly error?: InferenceError['error'];
  readonly outputLocation?: string;
  readonly failureLocation?: string;
}

const text = z.string().optional().catch(undefined);
const LocationsSchema = z
  .object({ outputLocation: text, failureLocation: text, responseBody: z.unknown().optional() })
  .partial()
  .catch({});

/** `responseParameters` is missing from some failures, and its members are found outside it in others. */
const MessageSchema = z.object({
  inferenceId: z.string().min(1),
  invocationStatus: z.string(),
  failureReason: text,
  outputLocation: text,
  failureLocation: text,
  responseBody: z.unknown().optional(),
  responseParameters: LocationsSchema.optional(),
});

/** What Lambda sends to the destinations of an asynchronous invocation. */
const InvocationRecordSchema = z.object({
  requestContext: z.object({ condition: z.string() }),
  requestPayload: z.object({ job: z.string().min(1) }),
  responseContext: z.object({ functionError: text }).optional(),
  responsePayload: z.unknown().optional(),
});

const EnvelopeSchema = z.object({ Type: z.literal('Notification'), Message: z.string() });

/**
 * Reads the body of an SQS message: SageMaker's or Lambda's own, or inside SNS's envelope where the
 * subscription is not raw.
 *
 * @throws ZodError or SyntaxError for what neither of them wrote
 */
export function parseNotification(body: string): Notification {
  const outer: unknown = JSON.parse(body);
  const envelope = EnvelopeSchema.safeParse(outer);
  const written: unknown = envelope.success ? JSON.parse(envelope.data.Message) : outer;
  const invocation = InvocationRecordSchema.safeParse(written);
  if (invocation.success) return ofInvocation(invocation.data);
  const message = MessageSchema.parse(written);
  const inner = message.responseParameters ?? {};
  const error = parseInferenceError(message.responseBody ?? inner.responseBody);
  const outputLocation = inner.outputLocation ?? message.outputLocation;
  const failureLocation = inner.failureLocation ?? message.failureLocation;
  return {
    job: message.inferenceId,
    status: message.invocationStatus,
    ...defined({ failureReason: message.failureReason, error, outputLocation, failureLocation }),
  };
}

/** A failed inference is an answer of the function; a failure of the function itself is Lambda's to tell. */
function ofInvocation(record: z.infer<typeof InvocationRecordSchema>): Notification {
  const { requestContext, requestPayload, responseContext, responsePayload } = record;
  const { job } = requestPayload;
  if (requestContext.condition === 'EventAgeExceeded') return { job, status: 'Expired' };
  if (requestContext.condition === 'Success' && responseContext?.functionError === undefined) {
    const error = parseInferenceError(responsePayload);
    return error === undefined ? { job, status: 'Completed' } : { job, status: 'Failed', error };
  }
  const failed = LambdaFailureSchema.safeParse(responsePayload);
  const { errorType = '', errorMessage = '' } = failed.success ? failed.data : {};
  return { job, status: 'Failed', ...failureOf(`${errorType} ${errorMessage}`) };
}

const LambdaFailureSchema = z.object({ errorType: text, errorMessage: text });

/** What is out of memory once is so again; a crash may be a chance one. */
function failureOf(reason: string): Pick<Notification, 'failureReason' | 'error'> {
  if (!/OutOfMemory|signal: killed/i.test(reason)) return { failureReason: reason };
  const message = 'The function ran out of memory';
  return { error: { code: 'out-of-memory', message, retryable: false } };
}

const ContentSchema = z.object({ content: z.string(), encoding: z.string().optional() });

/** The GPU function's error body: as an object, as text, or wrapped as SageMaker wraps what it cites. */
export function parseInferenceError(body: unknown): InferenceError['error'] | undefined {
  const wrapped = ContentSchema.safeParse(body);
  const inner = wrapped.success ? decode(wrapped.data) : body;
  const parsed = InferenceErrorSchema.safeParse(
    typeof inner === 'string' ? parseJson(inner) : inner,
  );
  return parsed.success ? parsed.data.error : undefined;
}

function decode({ content, encoding }: z.infer<typeof ContentSchema>): string {
  const isBase64 = encoding?.toUpperCase() === 'BASE64';
  return isBase64 ? Buffer.from(content, 'base64').toString('utf8') : content;
}
