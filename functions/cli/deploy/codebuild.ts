import {
  AccountLimitExceededException,
  BatchGetBuildsCommand,
  BatchGetProjectsCommand,
  type Build,
  CodeBuildClient,
  ListBuildsForProjectCommand,
  ResourceNotFoundException,
  StartBuildCommand,
} from '@aws-sdk/client-codebuild';
import { AppError } from '#shared/core/errors.ts';
import { noBuilds } from './build-quota.ts';

/** A build as `deploy` looks at it. */
export interface BuildState {
  readonly id: string;
  /** `IN_PROGRESS`, `SUCCEEDED`, or how it failed. */
  readonly status: string;
  readonly phase: string | undefined;
  /** What it was built from: `BUCKET/KEY`. */
  readonly source: string | undefined;
  readonly variables: Readonly<Record<string, string>>;
  readonly exported: Readonly<Record<string, string>>;
  readonly startedAt: number | undefined;
  /** Where a browser shows its log. */
  readonly log: string | undefined;
  /** Which phase failed, and what it says. */
  readonly failure: string | undefined;
}

/** The account's build project. */
export interface BuildAccount {
  /** What the project builds from now. */
  readonly source: () => Promise<string | undefined>;
  /** Its last builds, the youngest first. */
  readonly recent: () => Promise<readonly BuildState[]>;
  readonly get: (id: string) => Promise<BuildState>;
  /** @throws AppError `unavailable` where the account may run no build at a time */
  readonly start: (
    variables: Readonly<Record<string, string>>,
    token: string,
  ) => Promise<BuildState>;
}

/** CodeBuild's project of a deployment. */
export function createBuildAccount(region: string, projectName: string): BuildAccount {
  const client = new CodeBuildClient({ region, maxAttempts: 8 });
  const getMany = async (ids: readonly string[]): Promise<readonly BuildState[]> => {
    if (ids.length === 0) return [];
    const { builds = [] } = await client.send(new BatchGetBuildsCommand({ ids: [...ids] }));
    const states = builds.map(stateOf);
    return ids.flatMap((id) => states.find((state) => state.id === id) ?? []);
  };
  return {
    source: async () => {
      const names = [projectName];
      const { projects = [] } = await client.send(new BatchGetProjectsCommand({ names }));
      return projects[0]?.source?.location;
    },
    recent: async () => {
      try {
        const { ids = [] } = await client.send(
          new ListBuildsForProjectCommand({ projectName, sortOrder: 'DESCENDING' }),
        );
        return await getMany(ids.slice(0, 30));
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return [];
        throw error;
      }
    },
    get: async (id) => {
      const [state] = await getMany([id]);
      if (state !== undefined) return state;
      throw new AppError(
        'unavailable',
        `CodeBuild knows no build ${id}. Run "onestep deploy" again.`,
      );
    },
    start: async (variables, idempotencyToken) => {
      const environmentVariablesOverride = Object.entries(variables).map(([name, value]) => ({
        name,
        value,
      }));
      try {
        const { build } = await client.send(
          new StartBuildCommand({ projectName, idempotencyToken, environmentVariablesOverride }),
        );
        return stateOf(build ?? {});
      } catch (error) {
        if (!(error instanceof AccountLimitExceededException)) throw error;
        throw new AppError('unavailable', `${error.message} ${noBuilds(region)}`, { cause: error });
      }
    },
  };
}

function stateOf(build: Build): BuildState {
  const pairs = (list: readonly { name?: string | undefined; value?: string | undefined }[] = []) =>
    Object.fromEntries(list.map(({ name = '', value = '' }) => [name, value]));
  const failed = build.phases?.find(
    ({ phaseStatus }) => phaseStatus !== undefined && phaseStatus !== 'SUCCEEDED',
  );
  const message = failed?.contexts
    ?.map((context) => context.message)
    .filter(Boolean)
    .join('; ');
  return {
    id: build.id ?? '',
    status: build.buildStatus ?? 'IN_PROGRESS',
    phase: build.currentPhase,
    source: build.source?.location,
    variables: pairs(build.environment?.environmentVariables),
    exported: pairs(build.exportedEnvironmentVariables),
    startedAt: build.startTime?.getTime(),
    log: build.logs?.deepLink,
    failure: failed && [failed.phaseType, message].filter(Boolean).join(': '),
  };
}
