import type { BuildAccount, BuildState } from '#functions/cli/deploy/codebuild.ts';

const PHASES = ['QUEUED', 'PROVISIONING', 'INSTALL', 'PRE_BUILD', 'BUILD', 'COMPLETED'];

interface MemoryBuilds extends BuildAccount {
  readonly builds: readonly BuildState[];
  /** How builds that are begun from now on end. */
  ending: Partial<BuildState>;
  /** What the project builds from. */
  sources: string;
}

/** Builds of an account that go on by one phase each time that one of them is looked at. */
export function createMemoryBuilds(exported: Readonly<Record<string, string>>): MemoryBuilds {
  const builds: BuildState[] = [];
  const tokens = new Map<string, BuildState>();
  const memory: MemoryBuilds = {
    builds,
    ending: { status: 'SUCCEEDED', exported },
    sources: 'assets/1.zip',
    source: async () => memory.sources,
    recent: async () => [...builds].reverse(),
    get: async (id) => {
      const at = builds.findIndex((build) => build.id === id);
      const before = builds[at];
      if (before === undefined) throw new Error(`no build ${id}`);
      const phase = PHASES[PHASES.indexOf(before.phase ?? '') + 1] ?? 'COMPLETED';
      const ending = phase === 'COMPLETED' ? memory.ending : {};
      const after: BuildState = { ...before, phase, log: `https://log/${id}`, ...ending };
      builds[at] = after;
      return after;
    },
    start: async (variables, token) => {
      const known = tokens.get(token);
      if (known !== undefined) return known;
      const build: BuildState = {
        id: `onestep-dev-build:${builds.length + 1}`,
        status: 'IN_PROGRESS',
        phase: 'SUBMITTED',
        source: memory.sources,
        variables,
        exported: {},
        startedAt: 0,
        log: undefined,
        failure: undefined,
      };
      builds.push(build);
      tokens.set(token, build);
      return build;
    },
  };
  return memory;
}
