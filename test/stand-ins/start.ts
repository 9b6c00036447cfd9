import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, stopChild, untilListening } from '#test/helpers/processes.ts';
import { installStandIns } from './install.ts';

/** Where each stand-in listens, and the credentials that all of them take. */
export interface StandInAddresses {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly dynamoDb: string;
  readonly s3: string;
  /** SQS, SNS, Secrets Manager and KMS. */
  readonly moto: string;
}

export interface StandIns {
  readonly addresses: StandInAddresses;
  readonly pids: readonly number[];
  /** Ends the processes, each by its id, and removes what they stored. */
  stop(): Promise<void>;
}

const CREDENTIALS = { accessKeyId: 'standin', secretAccessKey: 'standin-secret' };

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
