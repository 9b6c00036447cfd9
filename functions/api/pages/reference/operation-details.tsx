import { type Media, type Operation, type Schema, typeOf } from './open-api-types.ts';

/** Text in which backticks mark code. */
export function withCode(words: string) {
  return words.split('`').map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part));
}

/** What a call takes and what it answers. */
export function OperationDetails({ operation }: { readonly operation: Operation }) {
  const { parameters = [], requestBody, responses } = operation;
  return (
    <>
      {parameters.length > 0 && (
        <>
          <h4>Parameters</h4>
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
          <h4>Body</h4>
          <Contents content={requestBody.content} />
        </>
      )}
      <h4>Responses</h4>
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

export function Example({ of: { example } }: { readonly of: { readonly example?: unknown } }) {
  if (example === undefined) return null;
  return (
    <details>
      <summary>Example</summary>
      <pre>{JSON.stringify(example, null, 2)}</pre>
    </details>
  );
}

export function Members({ schema }: { readonly schema: Schema }) {
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
