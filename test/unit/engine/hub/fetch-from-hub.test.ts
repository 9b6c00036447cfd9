import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError, type ErrorCode } from '#shared/core/errors.ts';
import { processMark } from '#shared/core/running-process.ts';
import { chooseFile } from '#shared/engine/hub/choose-files.ts';
import {
  type Fetched,
  type FetchOptions,
  fetchFromHub,
} from '#shared/engine/hub/fetch-from-hub.ts';
import { parseHubReference } from '#shared/engine/hub/hub-reference.ts';
import {
  COMMIT,
  type Fault,
  type HubStandIn,
  type StandInRepository,
  startHub,
} from '#test/helpers/hub-stand-in.ts';

const SIZE = 3_000_000;
const WEIGHTS = Uint8Array.from({ length: SIZE }, (_, index) => (index * 7919) >> 5);
const README = new TextEncoder().encode('---\nlicense: mit\n---\n# Weights\n');

let folder: string;
let hub: HubStandIn | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hub-'));
});

afterEach(async () => {
  await hub?.close();
  hub = undefined;
  rmSync(folder, { recursive: true });
});

function repositoryOf(
  faults: readonly Fault[],
  file: Partial<StandInRepository['files'][string]> = {},
): StandInRepository {
  return {
    card: { license: 'mit' },
    files: {
      'README.md': { content: README },
      'sub folder/w.bin': { content: WEIGHTS, large: true, faults, ...file },
      'unrelated.bin': { content: WEIGHTS, large: true },
    },
  };
}

const TARGET = () => join(folder, 'owner', 'name', COMMIT, 'sub folder', 'w.bin');

async function fetchWeights(
  repository: StandInRepository,
  options: Partial<FetchOptions> & { token?: string; signal?: AbortSignal; stallMs?: number } = {},
) {
  hub ??= await startHub({ 'owner/name': repository });
  const reference = parseHubReference('owner/name/sub folder/w.bin');
  if (reference?.file === undefined) throw new Error('no reference');
  const file = reference.file;
  return fetchFromHub([{ reference, choose: (found) => chooseFile(found, file, 'unet') }], {
    cacheFolder: folder,
    clock: { now: () => performance.now() },
    processId: process.pid,
    access: {
      hubUrl: hub.url,
      accessToken: options.token,
      fetch,
      retryDelayMs: 1,
      stallMs: options.stallMs ?? 5000,
      signal: options.signal,
    },
    ...options,
  });
}

async function faultOf(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AppError) return error;
  throw new Error('no AppError', { cause: error });
}

const weightRequests = () => (hub?.requests ?? []).filter(({ host }) => host === 'storage');

describe('fetchFromHub', () => {
  it('brings what was chosen, over pages of a listing, and tells the licence', async () => {
    const [fetched] = await fetchWeights(repositoryOf([]));
    expect(fetched).toMatchObject({
      name: 'owner/name',
      commit: COMMIT,
      folder: join(folder, 'owner', 'name', COMMIT),
      files: ['README.md', 'sub folder/w.bin'],
      licence: { name: 'mit' },
    });
    expect(Buffer.compare(readFileSync(TARGET()), WEIGHTS)).toBe(0);
    expect(existsSync(join(fetched?.folder ?? '', 'unrelated.bin'))).toBe(false);
    expect(existsSync(`${TARGET()}.part`)).toBe(false);
  });

  it('asks for nothing twice', async () => {
    await fetchWeights(repositoryOf([]));
    const before = hub?.requests.length ?? 0;
    await fetchWeights(repositoryOf([]));
    const again = hub?.requests.slice(before) ?? [];
    expect(again.filter(({ path }) => path.includes('/resolve/'))).toEqual([]);
  });

  it('goes on where a connection was dropped, again and again', async () => {
    const drops = [1, 700_000, 1_100_000].map(
      (afterBytes): Fault => ({ kind: 'drop', afterBytes }),
    );
    const progress: number[] = [];
    await fetchWeights(repositoryOf(drops), {
      onProgress: ({ doneBytes }) => progress.push(doneBytes),
    });
    expect(Buffer.compare(readFileSync(TARGET()), WEIGHTS)).toBe(0);
    const starts = weightRequests().map(({ range }) => Number(/\d+/.exec(range ?? '')));
    // What was still on its way when the connection broke may be lost, and no more.
    const ends = [0, 1, 700_001, 1_800_001];
    expect(starts).toHaveLength(ends.length);
    for (const [index, end] of ends.entries()) {
      expect(starts[index]).toBeLessThanOrEqual(end);
      expect(starts[index]).toBeGreaterThan(end - 300_000);
    }
    expect(progress.at(-1)).toBe(SIZE + README.length);
  });

  it('goes on where a run was stopped', async () => {
    const controller = new AbortController();
    const stopped = fetchWeights(repositoryOf([{ kind: 'slow', bytesPerSecond: 2_000_000 }]), {
      signal: controller.signal,
      onProgress: ({ doneBytes }) => {
        if (doneBytes > 500_000) controller.abort(new AppError('canceled', 'stopped'));
      },
    });
    expect((await faultOf(stopped)).code).toBe('canceled');
    const kept = statSync(`${TARGET()}.part`).size;
    expect(kept).toBeGreaterThan(400_000);
    expect(kept).toBeLessThan(SIZE);
    await fetchWeights(repositoryOf([]));
    expect(weightRequests().at(-1)?.range).toBe(`bytes=${kept}-${SIZE - 1}`);
    expect(Buffer.compare(readFileSync(TARGET()), WEIGHTS)).toBe(0);
  });

  it('starts over where what was left is damaged', async () => {
    hub = await startHub({ 'owner/name': repositoryOf([{ kind: 'drop', afterBytes: 1000 }]) });
    const controller = new AbortController();
    const stopped = fetchWeights(repositoryOf([]), {
      signal: controller.signal,
      onProgress: ({ doneBytes }) => {
        if (doneBytes >= 1000) controller.abort(new AppError('canceled', 'stopped'));
      },
    });
    await faultOf(stopped);
    writeFileSync(`${TARGET()}.part`, new Uint8Array(5000).fill(1));
    let doneBytes = 0;
    await fetchWeights(repositoryOf([]), {
      onProgress: (progress) => {
        doneBytes = progress.doneBytes;
      },
    });
    expect(Buffer.compare(readFileSync(TARGET()), WEIGHTS)).toBe(0);
    expect(weightRequests().at(-1)?.range).toBe(`bytes=0-${SIZE - 1}`);
    expect(doneBytes).toBe(SIZE + README.length);
  });

  it('waits out a hub that is busy, and a connection that stalls', async () => {
    const faults: Fault[] = [
      { kind: 'status', status: 503 },
      { kind: 'status', status: 429 },
      { kind: 'stall', afterBytes: 10_000 },
    ];
    // Long enough that a busy machine's own pauses are no stalls.
    await fetchWeights(repositoryOf(faults), { stallMs: 2000 });
    expect(Buffer.compare(readFileSync(TARGET()), WEIGHTS)).toBe(0);
    expect(weightRequests()).toHaveLength(4);
  });

  it('asks again where the hub says nothing, and gives up in the end', async () => {
    await fetchWeights({ ...repositoryOf([]), silences: 2 }, { stallMs: 50 });
    await hub?.close();
    hub = undefined;
    const silent = { ...repositoryOf([]), silences: 100 };
    const fault = await faultOf(fetchWeights(silent, { stallMs: 50 }));
    expect(fault.code).toBe('unavailable');
    expect(fault.message).toMatch(/^owner\/name: http:.* can't be reached\.$/);
  });

  it('stops at once where it is told so while the hub says nothing', async () => {
    const stop = new AbortController();
    const silent = { ...repositoryOf([]), silences: 100 };
    const fault = faultOf(fetchWeights(silent, { signal: stop.signal, stallMs: 600_000 }));
    await vi.waitUntil(() => (hub?.requests.length ?? 0) > 0);
    stop.abort(new AppError('canceled', 'import was interrupted.'));
    expect((await fault).code).toBe('canceled');
  });

  it.each<[string, readonly Fault[], RegExp, ErrorCode]>([
    ['ignores ranges', [{ kind: 'ignore-range' }], /200 in place of 206/, 'unavailable'],
    [
      'tells another size',
      [{ kind: 'content-range', value: `bytes 0-${SIZE - 1}/${SIZE + 1}` }],
      /in place of "bytes 0-2999999\/3000000"/,
      'unavailable',
    ],
    [
      'sends another part',
      [{ kind: 'content-range', value: `bytes 1-${SIZE - 1}/${SIZE}` }],
      /in place of/,
      'unavailable',
    ],
    ['sends too much', [{ kind: 'surplus', bytes: 1 }], /more than it announced/, 'unavailable'],
    ['has lost it', [{ kind: 'status', status: 404 }], /does not exist/, 'file-not-found'],
    ['denies it', [{ kind: 'status', status: 403 }], /HF_TOKEN/, 'permission-denied'],
  ])('gives up at once when the server %s', async (_, faults, reason, code) => {
    const fault = await faultOf(fetchWeights(repositoryOf(faults)));
    expect(fault.message).toMatch(reason);
    expect(fault.message).toContain('owner/name/sub folder/w.bin');
    expect(fault.code).toBe(code);
    expect(weightRequests()).toHaveLength(1);
    expect(existsSync(TARGET())).toBe(false);
  });

  it('gives up when every answer ends early', async () => {
    const faults = Array.from({ length: 20 }, (): Fault => ({ kind: 'drop', afterBytes: 1 }));
    const fault = await faultOf(fetchWeights(repositoryOf(faults)));
    expect(fault.message).toMatch(/dropped|ended early/);
    expect(weightRequests()).toHaveLength(7);
  });

  it('refuses a listing that lies about the size', async () => {
    for (const listedBytes of [SIZE - 1, SIZE + 1]) {
      const fault = await faultOf(fetchWeights(repositoryOf([], { listedBytes })));
      expect(fault.message).toMatch(/in place of/);
      await hub?.close();
      hub = undefined;
    }
    expect(existsSync(TARGET())).toBe(false);
  });

  it('refuses and removes what has another digest', async () => {
    const listedDigest = '0'.repeat(64);
    const fault = await faultOf(fetchWeights(repositoryOf([], { listedDigest })));
    expect(fault.message).toMatch(/digest .*, not 000000000000/);
    expect(existsSync(TARGET())).toBe(false);
    expect(existsSync(`${TARGET()}.part`)).toBe(false);
  });

  it('refuses a small file with another digest', async () => {
    const large = false;
    const fault = await faultOf(
      fetchWeights(repositoryOf([], { large, listedDigest: '1'.repeat(40) })),
    );
    expect(fault.message).toMatch(/digest/);
  });

  it('shows the token to the hub and to no other host', async () => {
    const repository = { ...repositoryOf([]), token: 'hf_secret' };
    expect((await faultOf(fetchWeights(repository))).code).toBe('permission-denied');
    await fetchWeights(repository, { token: 'hf_secret' });
    expect(weightRequests().map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  it('writes nothing if it would not fit', async () => {
    const diskOf = async () => ({ id: 1, freeBytes: SIZE });
    const fault = await faultOf(fetchWeights(repositoryOf([]), { diskOf }));
    expect(fault.code).toBe('disk-full');
    expect(weightRequests()).toEqual([]);
  });

  it('looks at what describes the models before it fetches the rest', async () => {
    const onDescribed = (found: readonly Fetched[]) => {
      expect(existsSync(join(found[0]?.folder ?? '', 'README.md'))).toBe(true);
      return [{ what: 'the package', folder: join(folder, 'out'), bytes: 5e9 }];
    };
    const options = { onDescribed, diskOf: async () => ({ id: 1, freeBytes: 4e9 }) };
    const full = await faultOf(fetchWeights(repositoryOf([]), options));
    expect(full.code).toBe('disk-full');
    expect(full.message).toContain('the download takes 3.00 MB, the package takes 5.00 GB');
    const useless = () => {
      throw new AppError('invalid-file', 'Of no use.');
    };
    const fault = await faultOf(fetchWeights(repositoryOf([]), { onDescribed: useless }));
    expect(fault.code).toBe('invalid-file');
    expect(weightRequests()).toEqual([]);
  });

  it('lets one process at a time download, and takes over from a dead one', async () => {
    await fetchWeights(repositoryOf([]));
    const lock = join(folder, 'owner', 'name', COMMIT, '.download.lock');
    writeFileSync(lock, processMark(process.pid));
    const refused = await faultOf(fetchWeights(repositoryOf([])));
    expect(refused.code).toBe('conflict');
    expect(refused.message).toContain(`process ${process.pid} is downloading`);
    // A number that no process has, one that another process has by now, and a write that was cut.
    for (const left of ['2147483000', `${process.pid}-1`, '']) {
      writeFileSync(lock, left);
      await fetchWeights(repositoryOf([]));
      expect(existsSync(lock)).toBe(false);
    }
  });

  it('names a repository and a file that are not there', async () => {
    hub = await startHub({ 'owner/other': repositoryOf([]) });
    expect((await faultOf(fetchWeights(repositoryOf([])))).message).toMatch(
      /owner\/name does not exist/,
    );
    await hub.close();
    hub = await startHub({ 'owner/name': { files: { 'a.bin': { content: README } } } });
    const fault = await faultOf(fetchWeights(repositoryOf([])));
    expect(fault.message).toMatch(/has no file sub folder\/w\.bin/);
  });

  it('says that the hub cannot be reached', async () => {
    hub = await startHub({});
    const { url } = hub;
    await hub.close();
    hub = { url, requests: [], close: async () => undefined };
    const fault = await faultOf(fetchWeights(repositoryOf([])));
    expect(fault.message).toMatch(/can't be reached/);
  });
});
