import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '#shared/core/errors.ts';
import { sha256Hex } from '#shared/core/hash.ts';
import type { BuildAccount, BuildState } from './codebuild.ts';

/** What a build is to make. */
export interface Wanted {
  readonly image: boolean;
  /** `OWNER/NAME` on the hub. */
  readonly model: string | undefined;
}

/** The digests of what was made. */
export interface Built {
  readonly imageDigest?: string;
  readonly modelDigest?: string;
}

export interface AccountBuildDeps extends BuildAccount {
  /** Whether what an earlier build has made is still in the repository and the bucket. */
  readonly isThere: (built: Built) => Promise<boolean>;
  /** Whether to build anew even if an earlier build has made the same. */
  readonly again: boolean;
  readonly say: (line: string) => void;
  readonly sleep?: (ms: number) => Promise<unknown>;
  readonly now: () => number;
}

const POLL_MS = 5_000;

/** The phases that last, as a person would call them. */
const PHASES: Readonly<Record<string, string>> = {
  QUEUED: 'waits for a machine',
  PROVISIONING: 'starts',
  INSTALL: 'installs packages',
  PRE_BUILD: 'image',
  BUILD: 'model: from the hub to the bucket',
};

/**
 * Has the account's build project make what is wanted, and waits for it. A build of the same things from
 * the same sources that runs already is waited for; one that has ended well is not made again.
 *
 * @throws AppError `unavailable` with the build's own words and where its log is
 */
export async function buildInAccount(deps: AccountBuildDeps, wanted: Wanted): Promise<Built> {
  const variables = {
    BUILD_IMAGE: wanted.image ? 'yes' : 'none',
    MODEL: wanted.model ?? 'none',
  };
  const source = await deps.source();
  const same = (await deps.recent()).filter(
    (build) =>
      build.source === source &&
      Object.entries(variables).every(([name, value]) => build.variables[name] === value),
  );
  const running = same.find(({ status }) => status === 'IN_PROGRESS');
  const done = deps.again ? undefined : same.find(({ status }) => status === 'SUCCEEDED');
  if (running === undefined && done !== undefined && (await deps.isThere(builtBy(done, wanted)))) {
    deps.say(`   made by build ${done.id} before`);
    return builtBy(done, wanted);
  }
  // Sent twice, a token starts one build; the same things again after a failure are another one.
  const token = sha256Hex(JSON.stringify([source, variables, same.length])).slice(0, 32);
  const begun = running ?? (await deps.start(variables, token));
  deps.say(`   build ${begun.id}${running === undefined ? '' : ', which runs already'}`);
  return builtBy(await follow(deps, begun), wanted);
}

/** Waits until a build has ended, and says what it is at. */
async function follow(deps: AccountBuildDeps, begun: BuildState): Promise<BuildState> {
  let state = begun;
  let phase: string | undefined;
  let log: string | undefined;
  while (state.status === 'IN_PROGRESS') {
    if (state.log !== undefined && state.log !== log) {
      log = state.log;
      deps.say(`   log: ${log}`);
    }
    if (state.phase !== phase) {
      phase = state.phase;
      const text = PHASES[phase ?? ''];
      if (text !== undefined) deps.say(`   ${elapsed(deps, state)} ${text}`);
    }
    await (deps.sleep ?? pause)(POLL_MS);
    state = await deps.get(begun.id);
  }
  if (state.status === 'SUCCEEDED') return state;
  const where = state.log === undefined ? '' : ` Its log: ${state.log}.`;
  throw new AppError(
    'unavailable',
    `Build ${state.id} ended with ${state.status}${state.failure === undefined ? '' : ` (${state.failure})`}.${where} Mend what it says and run "onestep deploy" again, or build with Docker here: "--build local".`,
  );
}

function elapsed({ now }: AccountBuildDeps, { startedAt }: BuildState): string {
  const seconds = Math.max(0, Math.round((now() - (startedAt ?? now())) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** @throws AppError `unavailable` for a build that ended well and does not say what it has made */
function builtBy({ id, exported }: BuildState, wanted: Wanted): Built {
  const digest = (name: string, pattern: RegExp) => {
    const value = exported[name];
    if (value !== undefined && pattern.test(value)) return value;
    throw new AppError(
      'unavailable',
      `Build ${id} says ${name} = ${value ?? 'nothing'}, which is no digest. Run "onestep deploy --build-image" to build again.`,
    );
  };
  return {
    ...(wanted.image && { imageDigest: digest('IMAGE_DIGEST', /^sha256:[0-9a-f]{64}$/) }),
    ...(wanted.model !== undefined && { modelDigest: digest('MODEL_DIGEST', /^[0-9a-f]{64}$/) }),
  };
}
