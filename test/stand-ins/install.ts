import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, installOnce, installPython, runToEnd } from '#test/helpers/install-once.ts';

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

export function standInFolder(): string {
  return cacheFolder('onestep-stand-ins');
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
  await installOnce(moto, (folder) =>
    installPython(folder, [`moto[server,sns,sqs,secretsmanager]==${MOTO}`]),
  );
  return {
    dynamoDbJars: join(dynamoDb, 'lib'),
    versityGw: join(versityGw, 'versitygw'),
    motoServer: join(moto, 'bin', 'moto_server'),
  };
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
