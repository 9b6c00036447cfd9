import { X402SettingsSchema } from '#shared/core/x402-settings.ts';

/** Goes to the facilitator as a bearer token; a secret, so it is in no file. */
export const X402_TOKEN_VARIABLE = 'X402_FACILITATOR_TOKEN';

/** The settings that variables such as `X402_PAY_TO` name; `X402_ASSET` is JSON. */
export function readX402Environment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, unknown> {
  const parts: Record<string, unknown> = {};
  for (const name of Object.keys(X402SettingsSchema.shape)) {
    const text = env[variableOf(name)];
    if (text === undefined || text === '') continue;
    parts[name] = name === 'asset' ? parseJson(text) : text;
  }
  return parts;
}

/** `X402_PAY_TO` for `payTo`. */
function variableOf(name: string): string {
  return `X402_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
