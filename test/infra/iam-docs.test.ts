import { expect, it } from 'vitest';
import { grantsTable } from '#test/helpers/grants-table.ts';
import { synthesise } from '#test/helpers/synthesise.ts';

const HEADING = `# Who may do what

Each function has a role of its own, and this is all that the roles may do: the table is written from the
templates of the committed \`cdk.json\`, and a test fails when the two differ. Update it with
\`npx vitest run test/infra/iam-docs.test.ts --update\`.

\`<data Table>\` is the resource \`Table\` of the stack \`data\`. No action is a wildcard. \`*\` as a resource
stands only where AWS knows no narrower one: tracing, the registry's log-in, metrics.

`;

it('docs/iam.md lists every grant of every role', async () => {
  const table = grantsTable(synthesise()).replace(/[0-9a-f]{64}/g, '<digest>');
  await expect(HEADING + table).toMatchFileSnapshot('../../docs/iam.md');
});
