import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installStandIns } from './install.ts';

/** Where each stand-in listens, and the credentials that all of them take. */
export interface StandInAddresses {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly dynamoDb: string;
  readonly s3: string;
  /** SQS, SNS and Secrets Manager. */
  readonly moto: string;
}

export interface StandIns {
  readonly addresses: StandInAddresses;
  readonly pids: readonly number[];
  /** Ends the processes, each by its id, and removes what they stored. */
  stop(): Promise<void>;
}

const CREDENTIALS = { accessKeyId: 'standin', secretAccessKey: 'standin-secret' };
const START_TIMEOUT_MS = 60_000;

/** Starts DynamoDB Local, versitygw and moto on free ports of 127.0.0.1; data is thrown away. */
export async function startStandIns(): Promise<StandIns> {
  const installed = await installStandIns();
  const data = await mkdtemp(join(tmpdir(), 'onestep-stand-ins-'));
  const objects = join(data, 'objects');
  await mkdir(objects);
  const [dynamoPort, s3Port, motoPort] = [await freePort(), await freePort(), await freePort()];

  const children = await Promise.all([
    launch(data, 'java', [
      '-Xmx512m',
      '-cp',
      join(installed.dynamoDbJars, '*'),
      'com.amazonaws.services.dynamodbv2.local.main.ServerRunner',
      '-inMemory',
      '-sharedDb',
      '-disableTelemetry',
      '-port',
      String(dynamoPort),
    ]),
    launch(data, installed.versityGw, [
      ...['--access', CREDENTIALS.accessKeyId, '--secret', CREDENTIALS.secretAccessKey],
      ...['--port', `127.0.0.1:${s3Port}`, '--region', 'us-east-1', '--quiet', 'posix', objects],
    ]),
    launch(data, installed.motoServer, ['-H', '127.0.0.1', '-p', String(motoPort)]),
  ]);

  const stop = async () => {
    await Promise.all(children.map(stopChild));
    await rm(data, { recursive: true, force: true });
  };
  try {
    await Promise.all([dynamoPort, s3Port, motoPort].map(untilListening));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    addresses: {
      region: 'us-east-1',
      ...CREDENTIALS,
      dynamoDb: `http://127.0.0.1:${dynamoPort}`,
      s3: `http://127.0.0.1:${s3Port}`,
      moto: `http://127.0.0.1:${motoPort}`,
    },
    pids: children.flatMap((child) => (child.pid === undefined ? [] : [child.pid])),
    stop,
  };
}

async function launch(
  data: string,
  command: string,
  args: readonly string[],
): Promise<ChildProcess> {
  const log = await open(join(data, `${command.split('/').at(-1)}.log`), 'a');
  const child = spawn(command, args, { cwd: data, stdio: ['ignore', log.fd, log.fd] });
  child.once('exit', () => log.close());
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return child;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await ended;
  clearTimeout(hard);
}

/** A port that was free a moment ago: none of the stand-ins can be asked to choose one itself. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function untilListening(port: number): Promise<void> {
  const end = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    if (Date.now() > end) throw new Error(`Nothing listens on port ${port} after a minute.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
