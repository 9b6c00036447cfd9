import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a buildspec says, as far as ours does. */
export interface Buildspec {
  readonly env: {
    readonly variables: Readonly<Record<string, string>>;
    readonly 'exported-variables': readonly string[];
  };
  readonly phases: Readonly<Record<string, { readonly commands: readonly string[] }>>;
}

export interface RunPhase {
  readonly name: string;
  readonly status: 'SUCCEEDED' | 'FAILED';
  /** The command that failed. */
  readonly failed?: string;
}

export interface BuildRun {
  readonly phases: readonly RunPhase[];
  readonly exported: Readonly<Record<string, string>>;
  readonly output: string;
}

const ORDER = ['install', 'pre_build', 'build', 'post_build'];
const MARK = '__onestep_status__';

/**
 * Runs a buildspec's commands as CodeBuild's user guide says: all in one shell, phase by phase; a phase
 * ends with its first command that fails; after a failed `build` there is `post_build`, after any other
 * failure nothing.
 *
 * @param shell starts `sh` in the build's environment and source folder
 */
export async function runBuildspec(
  spec: Buildspec,
  shell: () => ChildProcessWithoutNullStreams,
): Promise<BuildRun> {
  const session = openSession(shell());
  const phases: RunPhase[] = [];
  try {
    for (const [name, value] of Object.entries(spec.env.variables)) {
      await session.run(`export ${name}='${value}'`);
    }
    for (const name of ORDER) {
      const commands = spec.phases[name]?.commands;
      if (commands === undefined) continue;
      const before = phases.find(({ status }) => status === 'FAILED');
      if (before !== undefined && !(before.name === 'build' && name === 'post_build')) break;
      let failed: string | undefined;
      for (const command of commands) {
        if ((await session.run(command)) === 0) continue;
        failed = command;
        break;
      }
      phases.push(
        failed === undefined ? { name, status: 'SUCCEEDED' } : { name, status: 'FAILED', failed },
      );
    }
    const exported: Record<string, string> = {};
    for (const name of spec.env['exported-variables']) {
      exported[name] = await session.read(`printenv ${name}`);
    }
    return { phases, exported, output: session.output() };
  } finally {
    session.close();
  }
}

/** One shell that lives as long as the build. */
function openSession(child: ChildProcessWithoutNullStreams) {
  let output = '';
  let lines: string[] = [];
  let answer: ((status: number) => void) | undefined;
  const onLine = (line: string) => {
    const [, status] = new RegExp(`^${MARK} (\\d+)$`).exec(line) ?? [];
    if (status !== undefined) return answer?.(Number(status));
    output += `${line}\n`;
    lines.push(line);
    return undefined;
  };
  createInterface({ input: child.stdout }).on('line', onLine);
  createInterface({ input: child.stderr }).on('line', (line) => {
    output += `${line}\n`;
  });
  child.once('exit', () => answer?.(255));
  const run = (command: string) =>
    new Promise<number>((resolve) => {
      lines = [];
      answer = resolve;
      // In braces, so that variables last; without this shell's own input, which is the commands.
      child.stdin.write(`{ ${command}\n} </dev/null\nprintf '\\n${MARK} %s\\n' "$?"\n`);
    });
  return {
    run,
    /** What a command prints on its standard output. */
    async read(command: string): Promise<string> {
      await run(command);
      return lines.join('\n').trim();
    },
    output: () => output,
    close: () => child.stdin.end('exit\n'),
  };
}

/** A shell inside a container of the engine. */
export function shellIn(
  container: string,
  variables: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv,
): ChildProcessWithoutNullStreams {
  const set = Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const words = ['exec', '--interactive', '--workdir', '/codebuild/src', ...set, container, 'sh'];
  return spawn('docker', words, { env, stdio: ['pipe', 'pipe', 'pipe'] });
}
