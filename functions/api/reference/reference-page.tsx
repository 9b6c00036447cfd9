import { html, raw } from 'hono/html';
import { ICON, Mark } from '#functions/api/pages/mark.tsx';
import {
  type Media,
  type OpenApiDocument,
  type Operation,
  type Schema,
  typeOf,
} from './open-api-types.ts';

/** The page's only style; its policy allows this text and no other. */
export const REFERENCE_STYLE = `
:root { color-scheme: light dark; --ground: #faf8f4; --card: #fff; --ink: #1c1b19; --soft: #635f58; --line: #e2ddd3; --accent: #a63d16; --mark: #fff; }
@media (prefers-color-scheme: dark) { :root { --ground: #161513; --card: #1f1d1a; --ink: #f2efe9; --soft: #b3aea4; --line: #35322c; --accent: #ffab82; --mark: #2a0f04; } }
html { scroll-padding-top: 1rem; }
body { font: 16px/1.5 -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Ubuntu, Cantarell, 'Helvetica Neue', Arial, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; background: var(--ground); color: var(--ink); overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: .2em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
header { display: flex; align-items: center; gap: 1.25rem; }
header .name { display: flex; align-items: center; gap: .5rem; color: var(--ink); font-size: 1.15rem; font-weight: 700; text-decoration: none; }
.mark { width: 1.6rem; height: 1.6rem; }
.mark rect { fill: var(--accent); }
.mark path { fill: none; stroke: var(--mark); stroke-width: 3; }
h1 { margin: 1.5rem 0 .75rem; font-size: 1.6rem; letter-spacing: -.02em; }
h2 { margin: 0 0 .25rem; font-size: 1.05rem; overflow-wrap: anywhere; }
h3 { margin: 1.25rem 0 .25rem; font-size: .9rem; }
section { margin-top: 1.25rem; padding: 1.1rem 1.25rem; border: 1px solid var(--line); border-radius: .75rem; background: var(--card); }
section:target { border-color: var(--accent); }
code, pre { font: .85em/1.45 ui-monospace, Menlo, Consolas, monospace; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--ground); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-weight: 600; width: 30%; }
nav ul { columns: 24rem; padding: 0; list-style: none; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
.method { display: inline-block; min-width: 3.6rem; color: var(--accent); font-weight: 700; }
`;

/** The API reference as one page without scripts, made from the OpenAPI document. */
export function ReferencePage({ document }: { readonly document: OpenApiDocument }) {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      operation,
      id: `${method}-${path.replaceAll(/[^a-z0-9]+/gi, '-')}`,
    })),
  );
  const schemas = Object.entries(document.components?.schemas ?? {});
  return html`<!doctype html>${(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>API reference · {document.info.title}</title>
        <link rel="icon" href={ICON} />
        <style>{raw(REFERENCE_STYLE)}</style>
      </head>
      <body>
        <header>
          <a class="name" href="./">
            <Mark /> {document.info.title}
          </a>
          <a href="./openapi.json">OpenAPI</a>
        </header>
        <h1>API reference</h1>
        {(document.info.description ?? '').split('\n\n').map((words) => (
          <p>{withCode(words)}</p>
        ))}
        <nav aria-label="Routes">
          <ul>
            {operations.map(({ id, method, path }) => (
              <li>
                <a href={`#${id}`}>
                  <code>
                    <span class="method">{method}</span> {path}
                  </code>
                </a>
              </li>
            ))}
          </ul>
        </nav>
        {operations.map(({ id, method, path, operation }) => (
          <section id={id}>
            <h2>
              <span class="method">{method}</span> <code>{path}</code>
            </h2>
            <OperationDetails operation={operation} />
          </section>
        ))}
        <h1>Schemas</h1>
        {schemas.map(([name, schema]) => (
          <section id={`schema-${name}`}>
            <h2>{name}</h2>
            <Members schema={schema} />
            <Example of={schema} />
          </section>
        ))}
      </body>
    </html>
  )}`;
}

/** Text in which backticks mark code. */
function withCode(words: string) {
  return words.split('`').map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part));
}

function OperationDetails({ operation }: { readonly operation: Operation }) {
  const { parameters = [], requestBody, responses } = operation;
  return (
    <>
      <p>
        {operation.summary}.{operation.security === undefined && ' No key is needed.'}
      </p>
      {operation.description !== undefined && <p>{operation.description}</p>}
      {parameters.length > 0 && (
        <>
          <h3>Parameters</h3>
          <table>
            {parameters.map(({ name, in: place, required, schema, description }) => (
              <tr>
                <th>
                  <code>{name}</code> in {place}
                  {required === true && ', required'}
                </th>
                <td>
                  <code>{typeOf(schema)}</code> {description ?? schema?.description}
                </td>
              </tr>
            ))}
          </table>
        </>
      )}
      {requestBody !== undefined && (
        <>
          <h3>Body</h3>
          <Contents content={requestBody.content} />
        </>
      )}
      <h3>Answers</h3>
      <table>
        {Object.entries(responses).map(([status, { description, content }]) => (
          <tr>
            <th>
              {status} {description}
            </th>
            <td>
              <Contents content={content ?? {}} />
            </td>
          </tr>
        ))}
      </table>
    </>
  );
}

function Contents({ content }: { readonly content: Readonly<Record<string, Media>> }) {
  return (
    <>
      {Object.entries(content).map(([type, { schema, example }]) => (
        <div>
          <code>{type}</code>{' '}
          {schema?.$ref === undefined ? (
            <Members schema={schema ?? {}} />
          ) : (
            <a href={`#schema-${typeOf(schema)}`}>{typeOf(schema)}</a>
          )}
          <Example of={{ example }} />
        </div>
      ))}
    </>
  );
}

function Example({ of: { example } }: { readonly of: { readonly example?: unknown } }) {
  if (example === undefined) return null;
  return (
    <details>
      <summary>Example</summary>
      <pre>{JSON.stringify(example, null, 2)}</pre>
    </details>
  );
}

function Members({ schema }: { readonly schema: Schema }) {
  const members = Object.entries(schema.properties ?? {});
  if (members.length === 0) return <code>{typeOf(schema)}</code>;
  return (
    <table>
      {members.map(([name, member]) => (
        <tr>
          <th>
            <code>{name}</code>
            {schema.required?.includes(name) === true && ', required'}
          </th>
          <td>
            <code>{typeOf(member)}</code> {member.description}
            {member.default !== undefined && ` Default: ${JSON.stringify(member.default)}`}
          </td>
        </tr>
      ))}
    </table>
  );
}
