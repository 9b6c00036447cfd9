import { everyResource, type Part, type Synthesised } from './synthesise.ts';

export interface Statement {
  readonly part: Part;
  /** The logical id of the resource that holds the statement. */
  readonly owner: string;
  readonly type: string;
  readonly effect: string;
  readonly actions: readonly string[];
  /** Each as text: intrinsic functions as JSON. */
  readonly resources: readonly string[];
  readonly principals: unknown;
  readonly conditions: unknown;
  /** Logical ids of the roles that an identity policy is attached to. */
  readonly roles: readonly string[];
}

interface RawStatement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: unknown;
}

const list = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

const text = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

/** Every statement of every policy document in every template, wherever it hangs. */
export function statementsOf(made: Synthesised): readonly Statement[] {
  return everyResource(made).flatMap(([part, owner, resource]) => {
    const found: Statement[] = [];
    const visit = (value: unknown, type: string): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [key, child] of Object.entries(value)) {
        const raw = list((child as { Statement?: unknown } | null)?.Statement) as RawStatement[];
        const childType = key === 'AssumeRolePolicyDocument' ? 'AWS::IAM::AssumeRole' : type;
        for (const statement of raw) {
          found.push({
            part,
            owner,
            type: childType,
            effect: statement.Effect,
            actions: list(statement.Action).map(text),
            resources: list(statement.Resource).map(text),
            principals: statement.Principal,
            conditions: statement.Condition,
            roles: list(resource.Properties.Roles).map((role) => (role as { Ref: string }).Ref),
          });
        }
        visit(child, childType);
      }
    };
    visit(resource.Properties, resource.Type);
    return found;
  });
}
