import type { CalledAction } from './called-actions.ts';
import { namedResources } from './grants-table.ts';
import { type Statement, statementsOf } from './iam-statements.ts';
import type { Synthesised } from './synthesise.ts';

/** The calls that the roles of a deployment would not have let through, in words. */
export function ungranted(made: Synthesised, calls: readonly CalledAction[]): readonly string[] {
  const statements = statementsOf(made).filter(({ type }) => type === 'AWS::IAM::Policy');
  return calls
    .filter((call) => !statements.some((statement) => grants(statement, call)))
    .map(({ by, action, resource, leadingKey, s3Prefix }) =>
      [by, action, resource, leadingKey ?? s3Prefix ?? ''].join(' ').trim(),
    )
    .sort();
}

function grants(statement: Statement, call: CalledAction): boolean {
  const { effect, actions, roles, conditions } = statement;
  return (
    effect === 'Allow' &&
    roles.some((role) => role.startsWith(`${call.by}Role`)) &&
    actions.includes(call.action) &&
    namedResources(statement).some((pattern) => matches(pattern, call.resource)) &&
    holds(conditions as Conditions | undefined, call)
  );
}

type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

function holds(conditions: Conditions = {}, call: CalledAction): boolean {
  const values: Record<string, string | undefined> = {
    'dynamodb:LeadingKeys': call.leadingKey,
    's3:prefix': call.s3Prefix,
    'application-autoscaling:service-namespace': call.scaledDimension?.split(':')[0],
    'application-autoscaling:scalable-dimension': call.scaledDimension,
  };
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const value = values[key];
      if (operator === 'Null') return (value === undefined) === (wanted === 'true');
      return [wanted].flat().some((pattern) => value !== undefined && matches(pattern, value));
    }),
  );
}

/** IAM's own wildcard. */
function matches(pattern: string, text: string): boolean {
  const digestless = pattern.replace(/[0-9a-f]{64}/g, '<digest>');
  const source = digestless.split('*').map((part) => part.replace(/[.?+^$()[\]{}|\\]/g, '\\$&'));
  return new RegExp(`^${source.join('.*')}$`, 's').test(text);
}
