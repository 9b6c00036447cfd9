import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandContext } from '#functions/cli/command.ts';
import { systemClock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import type { DiskNeed } from '#shared/core/disk-room.ts';
import { AppError } from '#shared/core/errors.ts';
import {
  chooseFile,
  chooseFiles,
  listsWeights,
  type WeightPart,
} from '#shared/engine/hub/choose-files.ts';
import { type Fetched, fetchFromHub, type HubRequest } from '#shared/engine/hub/fetch-from-hub.ts';
import { type HubReference, parseHubReference } from '#shared/engine/hub/hub-reference.ts';
import type { HubAccess } from '#shared/engine/hub/hub-repository.ts';
import type { ImportOptions } from '#shared/engine/package/import-model.ts';
import { readLicences } from '#shared/engine/package/licences.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';
import { packageBytes } from '#shared/engine/package/package-bytes.ts';
import { PARTS } from '#shared/engine/package/repository.ts';
import { reportDownload } from './report-download.ts';

const HUB_URL = 'https://huggingface.co';
const RETRY_DELAY_MS = 1000;
const STALL_MS = 60_000;

/** What the user named as sources: paths, or references to the hub. */
export interface NamedSources {
  readonly repository: string;
  /** Whether the repository was named as a folder, which it is then even if it is not there. */
  readonly isFolder: boolean;
  readonly unet: string | undefined;
  readonly checkpoint: string | undefined;
  readonly dtype: 'fp32' | 'fp16';
  /** The folder that downloads are kept in, under `hub/`. */
  readonly data: string;
  /** Where the package will lie, and whether it shares tensors with its sources. */
  readonly out: string;
  readonly link: boolean;
}

/** Sources on this disk, and what the manifest says about them. */
export interface ModelSources {
  readonly repository: string;
  readonly unet?: string | undefined;
  readonly checkpoint?: string | undefined;
  readonly hub?: NonNullable<ImportOptions['hub']>;
  /** Whether a repository on the hub lists UNet weights, fetched or not. */
  readonly hasUnet?: boolean;
  readonly source?: Manifest['source'];
  readonly licences?: Manifest['licences'];
}

/** One of the sources: a path that is used as it is, or a reference that is fetched first. */
interface Source {
  readonly text: string;
  readonly reference: HubReference | undefined;
}

/**
 * Brings those of an import's sources onto this disk that are on the hub. A path that exists here is
 * always a path.
 *
 * @throws AppError as {@link fetchFromHub} does
 */
export async function fetchSources(
  named: NamedSources,
  { env, stderr }: Pick<CommandContext, 'env' | 'stderr'>,
  signal: AbortSignal,
): Promise<ModelSources> {
  const repository = repositorySource(named);
  const unet = fileSource(named.unet);
  const checkpoint = fileSource(named.checkpoint);
  const sources = [repository, unet, checkpoint].filter((source) => source !== undefined);
  if (sources.every(({ reference }) => reference === undefined)) {
    return { repository: repository.text, unet: unet?.text, checkpoint: checkpoint?.text };
  }
  const requests = new Map<Source, HubRequest>();
  let hasUnet: boolean | undefined;
  for (const source of sources) {
    const { reference } = source;
    if (reference === undefined) continue;
    const { file } = reference;
    const weights = weightsWanted(unet, checkpoint);
    requests.set(source, {
      reference,
      choose(found) {
        if (source === repository) hasUnet = listsWeights(found, 'unet');
        return file === undefined
          ? chooseFiles(found, { weights, dtype: named.dtype })
          : chooseFile(found, file);
      },
    });
  }
  const report = reportDownload(stderr);
  const fetching = fetchFromHub([...requests.values()], {
    cacheFolder: join(named.data, 'hub'),
    access: hubAccess(env, signal),
    clock: systemClock,
    processId: process.pid,
    onPlan: report.plan,
    onDescribed: (found) => {
      const index = [...requests.keys()].indexOf(repository);
      return packageNeeds(named, found[index]?.folder ?? repository.text);
    },
    onProgress: report.progress,
  });
  // A fault's message begins on a line of its own.
  const fetched = await fetching.finally(() => report.end());
  const answers = new Map([...requests.keys()].map((source, index) => [source, fetched[index]]));
  const sourcesHere = placed({ repository, unet, checkpoint }, (source) => answers.get(source));
  return { ...sourcesHere, ...defined({ hasUnet }) };
}

/** What the package will take of its disk; a linked one takes next to nothing. */
function packageNeeds({ link, out, dtype }: NamedSources, repository: string): DiskNeed[] {
  const bytes = packageBytes(repository, dtype);
  return link ? [] : [{ what: 'the package', folder: out, bytes }];
}

/** Weights that the repository has to bring, for no other source does. */
function weightsWanted(
  unet: Source | undefined,
  checkpoint: Source | undefined,
): readonly WeightPart[] {
  if (checkpoint !== undefined) return [];
  return PARTS.filter((part) => part !== 'unet' || unet === undefined);
}

function repositorySource({ repository: text, isFolder }: NamedSources): Source {
  if (isFolder || existsSync(text)) return { text, reference: undefined };
  const reference = parseHubReference(text);
  if (reference !== undefined && reference.file === undefined) return { text, reference };
  throw new AppError(
    'file-not-found',
    `${text} is no folder here and no OWNER/NAME of a repository on the hub.`,
  );
}

/** A file here, or `OWNER/NAME/FILE` of the hub where no folder of that name is here. */
function fileSource(text: string | undefined): Source | undefined {
  if (text === undefined) return undefined;
  const isPath = existsSync(text) || existsSync(text.split('/')[0] ?? '');
  const reference = isPath ? undefined : parseHubReference(text);
  return { text, reference: reference?.file === undefined ? undefined : reference };
}

function hubAccess(env: NodeJS.ProcessEnv, signal: AbortSignal): HubAccess {
  const accessToken = env['HF_TOKEN'] || undefined;
  if (accessToken !== undefined && !accessToken.startsWith('hf_')) {
    throw new AppError('unauthenticated', 'HF_TOKEN is no token of the hub: those begin with hf_.');
  }
  return {
    hubUrl: (env['HF_ENDPOINT'] || HUB_URL).replace(/\/+$/, ''),
    accessToken,
    fetch,
    retryDelayMs: RETRY_DELAY_MS,
    stallMs: STALL_MS,
    signal,
  };
}

interface AllSources {
  readonly repository: Source;
  readonly unet: Source | undefined;
  readonly checkpoint: Source | undefined;
}

function placed(all: AllSources, answer: (source: Source) => Fetched | undefined): ModelSources {
  const path = (source: Source | undefined) => {
    const fetched = source === undefined ? undefined : answer(source);
    if (source === undefined || fetched === undefined) return source?.text;
    return join(fetched.folder, source.reference?.file ?? '');
  };
  const origin = (source: Source) => {
    const fetched = answer(source);
    const file = source.reference?.file;
    if (fetched === undefined) return source.text;
    return `${fetched.name}@${fetched.commit}${file === undefined ? '' : `/${file}`}`;
  };
  const licences = (source: Source | undefined, part: 'repository' | 'unet') => {
    const fetched = source === undefined ? undefined : answer(source);
    if (fetched === undefined) return [];
    return fetched.licence === undefined
      ? readLicences(fetched.folder, part)
      : [{ part, ...fetched.licence }];
  };
  const { repository, unet, checkpoint } = all;
  const place = (source: Source | undefined) =>
    source && answer(source) ? source.reference : undefined;
  return {
    hub: defined({
      repository: place(repository),
      unet: place(unet),
      checkpoint: place(checkpoint),
    }),
    repository: path(repository) ?? repository.text,
    unet: path(unet),
    checkpoint: path(checkpoint),
    source: {
      repository: origin(checkpoint ?? repository),
      ...(unet === undefined ? {} : { unet: origin(unet) }),
    },
    licences: [
      ...licences(repository, 'repository'),
      ...licences(checkpoint, 'repository'),
      ...licences(unet, 'unet'),
    ],
  };
}
