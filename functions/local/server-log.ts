import { type DestinationStream, type Logger, pino } from 'pino';

/** Members that may hold what a client wrote or a secret, wherever a library hangs them. */
const PRIVATE = [
  'prompt',
  'input',
  'authorization',
  'cookie',
  'headers',
  'body',
  'key_text',
  'url',
];
const REDACTED = PRIVATE.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `*.*.*.${name}`]);

/** The embedded server's log: JSON lines, without prompts, keys and signed URLs. */
export function createServerLog(level: string, destination: DestinationStream): Logger {
  return pino(
    { level, base: null, redact: { paths: REDACTED, censor: '[redacted]' } },
    destination,
  );
}
