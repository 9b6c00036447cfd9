import { randomBytes } from '#functions/local/random-bytes.ts';
import { systemClock } from '#shared/core/clock.ts';
import { type AccountId, createUlid } from '#shared/core/ids.ts';
import type { DeploymentSettings } from '#shared/deployment/settings.ts';
import { noteInContext, readNotes } from './context-file.ts';

/** What `deploy` remembers that is no setting: the CDK does not look at it. */
const OWN = ['keyShown'];

/** What was noted for one stage, in the project's cdk.context.json. */
export function createNotes(projectFolder: string, stage: DeploymentSettings['stage']) {
  const nameOf = (key: string) =>
    `${OWN.includes(key) ? 'onestep-deploy' : 'onestep'}:${stage}:${key}`;
  const get = (key: string) => readNotes(projectFolder)[nameOf(key)];
  const add = (notes: Readonly<Record<string, unknown>>) => {
    const named = Object.entries(notes).map(([key, value]) => [nameOf(key), value]);
    noteInContext(projectFolder, Object.fromEntries(named));
  };
  return {
    get,
    has: (key: string) => get(key) !== undefined,
    add,
    /** The operator's account: its id is chosen before the API is deployed, which has to know it. */
    operatorAccount(settings: DeploymentSettings): AccountId {
      const known = settings.operatorAccount ?? get('operatorAccount');
      if (known !== undefined) return known as AccountId;
      const id = `acc_${createUlid(systemClock, randomBytes)}` as AccountId;
      add({ operatorAccount: id });
      return id;
    },
  };
}
export type Notes = ReturnType<typeof createNotes>;
