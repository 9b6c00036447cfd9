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

/** Passes on a line of the GPU function's log: its errors as such, the rest for whoever looks closely. */
export function logGpuLine(log: Logger, line: string): void {
  const { what, error } = readErrorLine(line);
  if (what === undefined) log.debug({ gpu: line });
  else log.error({ function: 'gpu', err: error }, what);
}

function readErrorLine(line: string): { readonly what?: string; readonly error?: unknown } {
  try {
    const fields = JSON.parse(line);
    return fields.level === 'error' ? fields : {};
  } catch {
    // Libraries write what they like.
    return {};
  }
}
