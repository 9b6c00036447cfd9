import { EUROPEAN_PROD } from '#test/helpers/deployments.ts';
import { type Statement, statementsOf } from '#test/helpers/iam-statements.ts';
import {
  everyResource,
  type Resource,
  type Synthesised,
  synthesise,
} from '#test/helpers/synthesise.ts';

/**
 * What a reviewer of this infrastructure asks for, by number, in the files of this folder. Where another
 * test proves a point, the line says which; the tests here hold what a template can show.
 */
export const dev = synthesise();
export const prod = synthesise(EUROPEAN_PROD);

export const grantsOf = (role: RegExp): readonly Statement[] =>
  statementsOf(dev).filter(
    ({ type, roles }) => type === 'AWS::IAM::Policy' && roles.some((name) => role.test(name)),
  );
export const actionsOf = (role: RegExp): readonly string[] =>
  grantsOf(role).flatMap(({ actions }) => actions);

export const functionsIn = (made: Synthesised): readonly [string, Resource][] =>
  everyResource(made, 'AWS::Lambda::Function')
    .filter(([, id]) => !id.startsWith('Custom'))
    .map(([, id, resource]) => [id, resource]);
