import { z } from 'zod';
import { parseFields, parseJson } from '#shared/engine/bytes/json.ts';
import type { Checkpoint } from '#shared/engine/checkpoint/tensor.ts';
import type { LoraPart } from './lora-names.ts';

/** Where diffusers keeps PEFT's settings: in the file's metadata, as JSON, by part. */
const FIELD = 'lora_adapter_metadata';

/** Of PEFT's `LoraConfig`: what decides how strong an adapter without alpha tensors is. */
const SettingsSchema = z.object({
  lora_alpha: z.number().nullish(),
  /** Whether alpha is divided by the root of the rank instead of the rank. */
  use_rslora: z.boolean().nullish(),
  use_dora: z.literal(false).nullish(),
  alpha_pattern: z.strictObject({}).nullish(),
});
export type LoraSettings = z.infer<typeof SettingsSchema>;

/**
 * The settings of each part that an adapter's file states.
 *
 * @throws FormatError naming the setting that is wrong or not supported
 */
export function loraSettings(
  { metadata }: Checkpoint,
  file: string,
): (part: LoraPart) => LoraSettings {
  const text = metadata.get(FIELD) ?? '{}';
  const json = parseJson(text, file, `has "${FIELD}" that is not JSON`);
  const fields = parseFields(z.record(z.string(), z.unknown()), json, file);
  return (part) => {
    const names = Object.keys(SettingsSchema.shape);
    const own = names.map((name) => [name, fields[`${part}.${name}`] ?? fields[name]]);
    return parseFields(
      SettingsSchema,
      Object.fromEntries(own),
      file,
      ' (nothing else is supported)',
    );
  };
}
