import { z } from 'zod';
import { defined } from '#shared/core/defined.ts';
import { type InferenceError, InferenceErrorSchema } from '#shared/core/inference.ts';
import { parseJson } from '#shared/service/domain/stored-json.ts';

/** What SageMaker says of a request that has ended. */
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

const EnvelopeSchema = z.object({ Type: z.literal('Notification'), Message: z.string() });

/**
 * Reads the body of an SQS message: SageMaker's own, or inside SNS's envelope where the subscription
 * is not raw.
 *
 * @throws ZodError or SyntaxError for what SageMaker did not write
 */
export function parseNotification(body: string): Notification {
  const outer: unknown = JSON.parse(body);
  const envelope = EnvelopeSchema.safeParse(outer);
  const message = MessageSchema.parse(envelope.success ? JSON.parse(envelope.data.Message) : outer);
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
