import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { defined } from '#shared/core/defined.ts';

/** The conditions of a grant, by operator. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Lets a role do exactly these actions on exactly these resources. */
export function allow(
  role: Role,
  actions: readonly string[],
  resources: readonly string[],
  conditions?: Conditions,
): void {
  const statement = { actions: [...actions], resources: [...resources] };
  role.addToPolicy(new PolicyStatement({ ...statement, ...defined({ conditions }) }));
}
