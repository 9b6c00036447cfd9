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
  for (const [name, value] of Object.entries(headersOf(operation)))
    lines.push(`-H "${name}: ${value}"`);
  const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (type !== undefined) {
    lines.push(`-H "Content-Type: ${type}"`);
    lines.push(
      type === 'application/json'
        ? `-d '${bodyText(document, media?.example, media?.schema).replaceAll("'", "'\\''")}'`
        : '--data-binary @picture.png',
    );
  }
  const answers = Object.keys(operation.responses['200']?.content ?? {});
  if (answers.includes('image/png')) lines.push('-o picture.png');
  return lines.join(' \\\n  ');
}

/** The headers that a call is shown with: those that have an example. */
export function headersOf({ parameters = [] }: Operation): Readonly<Record<string, string>> {
  return Object.fromEntries(
    parameters.flatMap(({ name, in: place, schema }) =>
      place === 'header' && typeof schema?.example === 'string' ? [[name, schema.example]] : [],
    ),
  );
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
