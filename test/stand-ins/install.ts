import { spawn } from 'node:child_process';
import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

const DYNAMODB_LOCAL = '2.6.1';
const VERSITYGW = 'v1.8.0';
const MOTO = '5.2.1';

/** Where each stand-in lies once installed. */
export interface Installed {
  /** Folder of DynamoDB Local's jars. */
  readonly dynamoDbJars: string;
  /** The S3 server's binary. */
  readonly versityGw: string;
  /** moto's server command: SQS, SNS, Secrets Manager. */
  readonly motoServer: string;
}

/** Outside the tree, so that a clean clone finds what an earlier one installed. */
export function standInFolder(): string {
  const caches = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(caches, 'onestep-stand-ins');
}

/** Installs what is missing (Maven Central, the Go module proxy, PyPI); needs java, mvn, go, python3. */
export async function installStandIns(): Promise<Installed> {
  const root = standInFolder();
  await mkdir(root, { recursive: true });
  const dynamoDb = join(root, `dynamodb-local-${DYNAMODB_LOCAL}`);
  const versityGw = join(root, `versitygw-${VERSITYGW}`);
  const moto = join(root, `moto-${MOTO}`);
  await installOnce(dynamoDb, installDynamoDb);
  await installOnce(versityGw, installVersityGw);
  await installOnce(moto, installMoto);
  return {
    dynamoDbJars: join(dynamoDb, 'lib'),
    versityGw: join(versityGw, 'versitygw'),
    motoServer: join(moto, 'bin', 'moto_server'),
  };
}

/** A marker tells a finished folder from one whose installation was cut off. */
async function installOnce(folder: string, install: (folder: string) => Promise<void>) {
  const marker = join(folder, '.installed');
  if (await exists(marker)) return;
  process.stderr.write(`Installing ${folder} …\n`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await install(folder);
  await writeFile(`${marker}.part`, '');
  await rename(`${marker}.part`, marker);
}

async function installDynamoDb(folder: string): Promise<void> {
  await writeFile(
    join(folder, 'pom.xml'),
    `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>onestep</groupId><artifactId>stand-in</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>com.amazonaws</groupId><artifactId>DynamoDBLocal</artifactId>
    <version>${DYNAMODB_LOCAL}</version>
  </dependency></dependencies>
</project>
`,
  );
  const goal = 'dependency:copy-dependencies';
  await runToEnd('mvn', ['-q', '-B', goal, '-DoutputDirectory=lib', '-DincludeScope=runtime'], {
    cwd: folder,
  });
}

async function installVersityGw(folder: string): Promise<void> {
  const command = `github.com/versity/versitygw/cmd/versitygw@${VERSITYGW}`;
  await runToEnd('go', ['install', command], { env: { ...process.env, GOBIN: folder } });
}

async function installMoto(folder: string): Promise<void> {
  await runToEnd('python3', ['-m', 'venv', folder]);
  const extras = `moto[server,sns,sqs,secretsmanager]==${MOTO}`;
  await runToEnd(join(folder, 'bin', 'pip'), ['install', '--quiet', extras]);
}

async function runToEnd(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<void> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
