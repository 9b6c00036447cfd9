import { join } from 'node:path';
import type { CommandContext } from '#functions/cli/command.ts';
import { systemClock } from '#shared/core/clock.ts';
import { defined } from '#shared/core/defined.ts';
import type { DiskNeed } from '#shared/core/disk-room.ts';
import { openCheckpoint } from '#shared/engine/checkpoint/open-checkpoint.ts';
import { singleFilePart } from '#shared/engine/checkpoint/single-file.ts';
import { unwrapped } from '#shared/engine/checkpoint/unwrapped.ts';
import {
  chooseDecoder,
  chooseFile,
  chooseFiles,
  listsWeights,
  type WeightPart,
} from '#shared/engine/hub/choose-files.ts';
import { type Fetched, fetchFromHub, type HubRequest } from '#shared/engine/hub/fetch-from-hub.ts';
import { assertCheckpoint } from '#shared/engine/package/assert-sources.ts';
import type { ImportOptions } from '#shared/engine/package/import-model.ts';
import type { Manifest } from '#shared/engine/package/manifest.ts';
import type { Lora } from '#shared/engine/package/merge-lora.ts';
import { packageBytes } from '#shared/engine/package/package-bytes.ts';
import { PARTS } from '#shared/engine/package/repository.ts';
import { licencesOf, originOf } from './fetched-facts.ts';
import { hubAccess } from './hub-access.ts';
import type { NamedLora } from './lora-option.ts';
import { reportDownload } from './report-download.ts';
import { nameOnHub, optionalSource, repositorySource, type Source } from './source.ts';

/** What the user named as sources: paths, or references to the hub. */
export interface NamedSources {
  readonly repository: string;
  /** Whether the repository was named as a folder, which it is then even if it is not there. */
  readonly isFolder: boolean;
  readonly unet: string | undefined;
  readonly checkpoint: string | undefined;
  readonly vae: string | undefined;
  readonly draftVae: string | undefined;
  readonly loras: readonly NamedLora[];
  readonly dtype: Manifest['dtype'];
  /** The folder that downloads are kept in, under `hub/`. */
  readonly data: string;
  /** Where the package will lie, and whether it shares tensors with its sources. */
  readonly out: string;
  readonly link: boolean;
  /** Called once all but the weights is here; throws if the model can't be imported. */
  readonly check: (sources: ModelSources) => void;
}

/** Sources on this disk, and what the manifest says about them. */
export interface ModelSources
  extends Pick<
    ImportOptions,
    | 'repository'
    | 'unet'
    | 'checkpoint'
    | 'hub'
    | 'hasUnet'
    | 'files'
    | 'originOf'
    | 'source'
    | 'licences'
    | 'loras'
    | 'vae'
    | 'draftVae'
  > {
  /** Owner and name of the model on the hub, if it comes from there. */
  readonly hubName?: readonly [string, string] | undefined;
}

type Role = 'repository' | 'unet' | 'checkpoint' | 'vae' | 'draft-vae' | `lora ${number}`;
type Sources = ReadonlyMap<Role, Source>;

/**
 * Brings those of an import's sources onto this disk that are on the hub. A path that exists here is
 * always a path.
 *
 * @throws AppError as {@link fetchFromHub} does
 */
export async function fetchSources(
  named: NamedSources,
  context: Pick<CommandContext, 'env' | 'stderr'>,
  signal: AbortSignal,
): Promise<ModelSources> {
  const sources = readSources(named);
  const fetched = new Map<Role, Fetched>();
  const fetcher = createFetcher(named, context, signal);
  const weights = PARTS.filter((part) => !sources.has('checkpoint') && !isGiven(part, sources));
  let hasUnet: boolean | undefined;
  const folderOf = (role: Role) => {
    const source = sources.get(role);
    return source && pathOf(source, fetched.get(role));
  };
  const loras = () =>
    named.loras.map(({ scale }, index): Lora => {
      const role: Role = `lora ${index}`;
      const hub = fetched.has(role) ? sources.get(role)?.reference : undefined;
      return { file: folderOf(role) ?? '', scale, hub };
    });
  const requests = [...sources].flatMap(([role, { reference }]) =>
    reference === undefined ? [] : [{ role, reference }],
  );
  const answers = await fetcher(
    requests.map(
      ({ role, reference }): HubRequest => ({
        reference,
        choose(found) {
          if (role === 'repository') hasUnet = listsWeights(found, 'unet');
          if (role === 'repository')
            return chooseFiles(found, { weights, dtype: fetchedType(named) });
          return role === 'vae' || role === 'draft-vae'
            ? chooseDecoder(found, reference.file, fetchedType(named))
            : chooseFile(found, reference.file, role.split(' ')[0] ?? role);
        },
      }),
    ),
    folderOf,
    (found) => {
      for (const [index, { role }] of requests.entries()) {
        const answer = found[index];
        if (answer !== undefined) fetched.set(role, answer);
      }
      named.check({ ...placed(sources, fetched, []), loras: loras(), ...defined({ hasUnet }) });
    },
  );
  if (answers.length === 0) return { ...localSources(sources), loras: loras() };
  const more = await fetchMissingParts(sources, fetched, named, fetcher);
  return { ...placed(sources, fetched, more), loras: loras(), ...defined({ hasUnet }) };
}

function readSources(named: NamedSources): Sources {
  const entries: [Role, Source | undefined][] = [
    ['repository', repositorySource(named.repository, named.isFolder)],
    ['unet', optionalSource(named.unet)],
    ['checkpoint', optionalSource(named.checkpoint)],
    ['vae', optionalSource(named.vae)],
    ['draft-vae', optionalSource(named.draftVae)],
    ...named.loras.map(({ text }, index): [Role, Source | undefined] => [
      `lora ${index}`,
      optionalSource(text),
    ]),
  ];
  return new Map(entries.filter((entry): entry is [Role, Source] => entry[1] !== undefined));
}

const isGiven = (part: WeightPart, sources: Sources): boolean =>
  (part === 'unet' || part === 'vae') && sources.has(part);

/** Which precision is fetched where there are two. */
const fetchedType = ({ dtype }: NamedSources): 'fp32' | 'fp16' =>
  dtype === 'fp16' ? 'fp16' : 'fp32';

const localSources = (sources: Sources): ModelSources => ({
  repository: sources.get('repository')?.text ?? '',
  unet: sources.get('unet')?.text,
  checkpoint: sources.get('checkpoint')?.text,
  vae: sources.get('vae')?.text,
  draftVae: sources.get('draft-vae')?.text,
});

type Fetcher = (
  requests: readonly HubRequest[],
  folderOf: (role: Role) => string | undefined,
  onDescribed: (found: readonly Fetched[]) => void,
) => Promise<readonly Fetched[]>;

function createFetcher(
  named: NamedSources,
  { env, stderr }: Pick<CommandContext, 'env' | 'stderr'>,
  signal: AbortSignal,
): Fetcher {
  return async (requests, folderOf, onDescribed) => {
    if (requests.length === 0) return [];
    const report = reportDownload(stderr);
    const fetching = fetchFromHub(requests, {
      cacheFolder: join(named.data, 'hub'),
      access: hubAccess(env, signal),
      clock: systemClock,
      processId: process.pid,
      onPlan: report.plan,
      onDescribed(found) {
        onDescribed(found);
        return packageNeeds(named, folderOf);
      },
      onProgress: report.progress,
    });
    // A fault's message begins on a line of its own.
    return fetching.finally(() => report.end());
  };
}

/** What the package will take of its disk; a linked one takes next to nothing. */
function packageNeeds(
  { link, out, dtype }: NamedSources,
  folderOf: (role: Role) => string | undefined,
): DiskNeed[] {
  const decoders = { vae: folderOf('vae'), draftVae: folderOf('draft-vae') };
  const repository = folderOf('repository') ?? '';
  const bytesOf = (type: Manifest['dtype']) => packageBytes(repository, type, decoders);
  // To find out what int8 may become, there is a float32 package for a while.
  const bytes = dtype === 'int8' ? bytesOf('fp32') + bytesOf('int8') : bytesOf(dtype);
  return link ? [] : [{ what: 'the package', folder: out, bytes }];
}

/** Weights of the repository for parts that a checkpoint lacks, whatever a cache holds. */
async function fetchMissingParts(
  sources: Sources,
  fetched: ReadonlyMap<Role, Fetched>,
  named: NamedSources,
  fetcher: Fetcher,
): Promise<readonly string[]> {
  const reference = sources.get('repository')?.reference;
  const source = sources.get('checkpoint');
  if (reference === undefined || source === undefined) return [];
  const path = pathOf(source, fetched.get('checkpoint'));
  const checkpoint = unwrapped(openCheckpoint(path));
  let weights: readonly (typeof PARTS)[number][];
  try {
    // One without a UNet is refused, not completed.
    assertCheckpoint(checkpoint, path, !sources.has('unet'));
    weights = PARTS.filter(
      (part) => part !== 'unet' && !isGiven(part, sources) && !singleFilePart(checkpoint, part),
    );
  } finally {
    checkpoint.close();
  }
  if (weights.length === 0) return [];
  const choose: HubRequest['choose'] = (found) =>
    chooseFiles(found, { weights, dtype: fetchedType(named) });
  const folderOf = (role: Role) => {
    const own = sources.get(role);
    return own && pathOf(own, fetched.get(role));
  };
  const [more] = await fetcher([{ reference, choose }], folderOf, () => undefined);
  return more?.files ?? [];
}

const pathOf = (source: Source, fetched: Fetched | undefined): string =>
  fetched === undefined ? source.text : join(fetched.folder, source.reference?.file ?? '');

function placed(
  sources: Sources,
  fetched: ReadonlyMap<Role, Fetched>,
  moreFiles: readonly string[],
): ModelSources {
  const path = (role: Role) => {
    const source = sources.get(role);
    return source && pathOf(source, fetched.get(role));
  };
  const origin = (role: Role) => {
    const found = fetched.get(role);
    const { text, reference } = sources.get(role) ?? {};
    if (found === undefined) return text;
    return [`${found.name}@${found.commit}`, reference?.file].filter(Boolean).join('/');
  };
  const place = (role: Role) => (fetched.has(role) ? sources.get(role)?.reference : undefined);
  const leading = place('unet') ?? place('checkpoint') ?? place('repository');
  const files = fetched.get('repository')?.files;
  return {
    repository: path('repository') ?? '',
    unet: path('unet'),
    checkpoint: path('checkpoint'),
    vae: path('vae'),
    draftVae: path('draft-vae'),
    files: files && [...files, ...moreFiles],
    hubName: leading && nameOnHub(leading),
    hub: defined({
      repository: place('repository'),
      unet: place('unet'),
      checkpoint: place('checkpoint'),
    }),
    originOf: (file) => originOf(file, [...fetched.values()]),
    source: {
      repository: origin(sources.has('checkpoint') ? 'checkpoint' : 'repository') ?? '',
      ...defined({ unet: origin('unet') }),
    },
    licences: [...fetched].flatMap(([role, found]) => licencesOf(found, LICENSED[role] ?? 'lora')),
  };
}

const LICENSED: Partial<Record<Role, Manifest['licences'][number]['part']>> = {
  repository: 'repository',
  checkpoint: 'repository',
  unet: 'unet',
  vae: 'vae',
  'draft-vae': 'vae',
};
