import type { OpenApiDocument, Operation, Schema } from './open-api-types.ts';

/** Where the calls of the reference go, as the shell's variables say. */
const URL_VARIABLE = '$ONESTEP_URL';

/** The call as a command to paste: with ONESTEP_URL and ONESTEP_KEY set, it runs. */
export function curlOf(
  document: OpenApiDocument,
  method: string,
  path: string,
  operation: Operation,
): string {
  const lines = [`curl${method === 'GET' ? '' : ` -X ${method}`} "${URL_VARIABLE}${path}"`];
  if (operation.security !== undefined) lines.push('-H "Authorization: Bearer $ONESTEP_KEY"');
  const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (type !== undefined) {
    lines.push(`-H "Content-Type: ${type}"`);
    lines.push(
      type === 'application/json'
        ? `-d '${bodyText(document, media?.example, media?.schema).replaceAll("'", "'\\''")}'`
        : '--data-binary @picture.png',
    );
  }
  return lines.join(' \\\n  ');
}

/** The example of a body as JSON: its own, or that of its schema. */
export function bodyText(
  document: OpenApiDocument,
  example: unknown,
  schema: Schema | undefined,
): string {
  const name = schema?.$ref?.replace(/^.*\//, '');
  const named = name === undefined ? undefined : document.components?.schemas?.[name];
  return JSON.stringify(example ?? schema?.example ?? named?.example ?? {});
}
