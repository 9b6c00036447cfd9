import { html, raw } from 'hono/html';
import { ICON, Mark } from '#functions/api/pages/mark.tsx';
import { bodyText, curlOf, headersOf } from './curl-of.ts';
import type { OpenApiDocument, Operation } from './open-api-types.ts';
import { Example, Members, OperationDetails, withCode } from './operation-details.tsx';
import { REFERENCE_STYLE } from './reference-style.ts';

interface Call {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
  readonly id: string;
}

interface ReferenceProps {
  readonly document: OpenApiDocument;
  /** The pages' script, which makes calls from here; without one the page only reads. */
  readonly script?: string | undefined;
}

/** The API reference as one page, made from the OpenAPI document: groups, curl for each call, schemas. */
export function ReferencePage({ document, script }: ReferenceProps) {
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]): Call => ({
        path,
        method: method.toUpperCase(),
        operation,
        id: `${method}-${path.replaceAll(/[^a-z0-9]+/gi, '-')}`,
      }),
    ),
  );
  const groups = document.tags
    .map((tag) => ({
      ...tag,
      calls: calls.filter(({ operation }) => operation.tags?.includes(tag.name)),
    }))
    .filter((group) => group.calls.length > 0);
  const schemas = Object.entries(document.components?.schemas ?? {});
  return html`<!doctype html>${(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>API reference · {document.info.title}</title>
        <meta
          name="description"
          content="Every call of the Onestep image API, with curl and schemas."
        />
        <link rel="icon" href={ICON} />
        <style>{raw(REFERENCE_STYLE)}</style>
        {script !== undefined && <script type="module" src={`.${script}`} />}
      </head>
      <body>
        <header>
          <a class="name" href="./">
            <Mark /> {document.info.title}
          </a>
          <a href="./openapi.json">OpenAPI</a>
        </header>
        <div class="columns">
          <Sidebar groups={groups} />
          <main>
            <h1>API reference</h1>
            {(document.info.description ?? '').split('\n\n').map((words) => (
              <p>{withCode(words)}</p>
            ))}
            <p>
              To run the commands below, set <code>ONESTEP_URL</code> to the address of this server
              and <code>ONESTEP_KEY</code> to an API key, and replace what is in braces.
            </p>
            {groups.map((group) => (
              <>
                <h2 class="group" id={groupId(group.name)}>
                  {group.name}
                </h2>
                <p>{withCode(group.description)}</p>
                {group.calls.map((call) => (
                  <CallSection document={document} call={call} />
                ))}
              </>
            ))}
            <h2 class="group" id="schemas">
              Schemas
            </h2>
            {schemas.map(([name, schema]) => (
              <section id={`schema-${name}`}>
                <h3>{name}</h3>
                <Members schema={schema} />
                <Example of={schema} />
              </section>
            ))}
          </main>
        </div>
        {script !== undefined && (
          <script type="application/json" id="page-data">
            {raw('{"page":"reference","models":[]}')}
          </script>
        )}
      </body>
    </html>
  )}`;
}

const groupId = (name: string) => `group-${name}`;

interface SidebarProps {
  readonly groups: readonly { readonly name: string; readonly calls: readonly Call[] }[];
}

function Sidebar({ groups }: SidebarProps) {
  return (
    <nav class="side" aria-label="Calls" tabindex={0}>
      {groups.map(({ name, calls }) => (
        <details open>
          <summary>{name}</summary>
          <ul>
            {calls.map(({ id, method, path, operation }) => (
              <li>
                <a href={`#${id}`} title={`${method} ${path}`}>
                  {operation.summary}
                </a>
              </li>
            ))}
          </ul>
        </details>
      ))}
      <a href="#schemas">Schemas</a>
    </nav>
  );
}

function CallSection({ document, call }: { document: OpenApiDocument; call: Call }) {
  const { id, method, path, operation } = call;
  const json = operation.requestBody?.content['application/json'];
  const body = json && bodyText(document, json.example, json.schema);
  return (
    <section id={id}>
      <h3>
        <span class="method">{method}</span> <code>{path}</code>
      </h3>
      <p>
        {operation.summary}.{operation.security === undefined && ' No key is needed.'}
      </p>
      {operation.description !== undefined && <p>{withCode(operation.description)}</p>}
      <pre tabindex={0} class="curl">
        {curlOf(document, method, path, operation)}
      </pre>
      <div
        class="try"
        data-method={method}
        data-path={path}
        data-body={body}
        data-headers={JSON.stringify(headersOf(operation))}
      />
      <OperationDetails operation={operation} />
    </section>
  );
}
