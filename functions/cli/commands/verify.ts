import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataFolder } from '#functions/cli/client/service.ts';
import { defineCommand, option } from '#functions/cli/command.ts';
import { oneWord, path } from '#functions/cli/option-types.ts';
import { loadSecrets } from '#functions/local/secrets-file.ts';
import { DeploymentKeysSchema } from '#shared/core/deployment-keys.ts';
import { AppError } from '#shared/core/errors.ts';
import { parseFileReceipt } from '#shared/core/file-receipt.ts';
import { certificatesIn } from '#shared/provenance/c2pa/claim-signer.ts';
import { inspectImage } from '#shared/provenance/verify/inspect-image.ts';
import {
  type Deployment,
  type Judgement,
  judgeImage,
} from '#shared/provenance/verify/judge-image.ts';
import type { Verdict } from '#shared/provenance/verify/verdicts.ts';

const OPTIONS = {
  keys: option('FILE', "a deployment's /.well-known/onestep.json, as a file or an address", path()),
  data: option(
    'DIR',
    'the data folder whose keys to use without --keys; default: ./.onestep',
    path(),
  ),
  trust: option('FILE', 'PEM certificates of authorities to trust', path()),
};

/** `onestep verify FILE`: where a picture comes from, without asking a server. */
export const verify = defineCommand({
  summary: 'tell where a picture comes from: signature, receipt, watermark',
  usage: 'FILE [options]',
  options: OPTIONS,
  positionals: oneWord('Name one picture: onestep verify FILE'),
  examples: [
    'onestep verify onestep.png',
    'onestep verify picture.jpg --keys https://images.example.com --json',
    'onestep verify picture.webp --trust c2pa-trust-list.pem',
  ],
  async run({ positionals: [file], options, env, print }) {
    const { trust } = options;
    const anchors = trust === undefined ? undefined : await readAnchors(trust);
    const facts = await inspectImage(await readWhole(file), anchors);
    const evidence = {
      manifest: facts.manifest,
      receipt: parseFileReceipt(facts.receipt)?.receipt,
      signature: facts.signature ?? undefined,
      pixelsSha256: facts.pixels_sha256,
      watermark: facts.watermark,
    };
    const deployment = await deploymentOf(options.keys, () => dataFolder(env, options.data));
    const judgement = judgeImage(evidence, deployment);
    print(judgement, describe(judgement, deployment !== undefined));
  },
});

const WHY_NOT: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
};

async function readWhole(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const why = WHY_NOT[cause.code ?? ''] ?? cause.message;
    throw new AppError('file-not-found', `${file} can't be read: ${why}.`, { cause });
  });
}

async function readAnchors(file: string): Promise<string> {
  const pem = (await readWhole(file)).toString();
  try {
    if (certificatesIn(pem).length > 0) return pem;
  } catch (cause) {
    throw new AppError('invalid-file', `${file} has a certificate that is damaged.`, { cause });
  }
  throw new AppError('invalid-file', `${file} has no certificates in PEM.`);
}

/** By whose keys to judge: those named, or this folder's own; undefined where there are none. */
async function deploymentOf(
  keys: string | undefined,
  ownFolder: () => string,
): Promise<Deployment | undefined> {
  if (keys !== undefined) return { publicKey: await readPublicKey(keys) };
  const data = ownFolder();
  if (!existsSync(join(data, 'secrets.json'))) return undefined;
  return { secret: loadSecrets(data).receiptSigningKey };
}

async function readPublicKey(source: string): Promise<string> {
  const text = /^https?:\/\//.test(source)
    ? await fetchKeys(source)
    : (await readWhole(source)).toString();
  try {
    return DeploymentKeysSchema.parse(JSON.parse(text)).receipts.public_key;
  } catch (cause) {
    throw new AppError('invalid-file', `${source} has no keys of a deployment.`, { cause });
  }
}

async function fetchKeys(address: string): Promise<string> {
  const url = new URL('/.well-known/onestep.json', address);
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(
    (cause: unknown) => {
      throw new AppError('unavailable', `${url} can't be reached.`, { cause });
    },
  );
  if (!answer.ok) throw new AppError('unavailable', `${url} answered ${answer.status}.`);
  return answer.text();
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  signed: 'Signed and whole: no byte has changed since it was signed.',
  'signed-changed': 'Signed, and changed since: its signature no longer fits.',
  receipt: "No signature, but a receipt that is the deployment's own and fits these pixels.",
  watermark: 'A watermark only: made by an Onestep server, and processed since.',
  nothing: 'Nothing found. That does not show that a person made it.',
};

function describe(judgement: Judgement, hasKeys: boolean): string {
  const { verdict, made_here, model, seed, manifest, watermark } = judgement;
  const lines = [VERDICTS[verdict]];
  if (manifest !== null) {
    const trust = manifest.trusted ? 'trusted' : 'not on a list of trusted authorities';
    lines.push(`signer     ${manifest.signer ?? 'unknown'} (${trust})`);
    for (const problem of manifest.problems) lines.push(`problem    ${problem}`);
  }
  if (made_here) lines.push(`receipt    model ${model?.name}, seed ${seed}`);
  if (watermark !== null) {
    const whose = watermark.ours ? "the deployment's" : "another deployment's";
    lines.push(`watermark  ${hasKeys ? whose : 'found; --keys tells whose it is'}`);
  }
  return `${lines.join('\n')}\n`;
}
