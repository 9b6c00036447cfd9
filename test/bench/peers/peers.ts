import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { SDXL_CONFIGS, TAESDXL_CONFIG } from '#functions/cli/bench/sdxl-shape.ts';
import type { Bench, BenchIo } from '#test/bench/bench.ts';
import { cacheFolder, installOnce, installPython } from '#test/helpers/install-once.ts';
import { fromRoot } from '#test/helpers/root.ts';

/** What is measured beside us, and what each needs. */
const PACKAGES = [
  'torch==2.15.0',
  'diffusers==0.42.1',
  'transformers==5.24.0',
  'openvino==2026.4.1',
];
/** Below the folder for what is installed once. */
export const PEERS_FOLDER = join('onestep-peers', PACKAGES.join('-').replaceAll('==', '-'));
const KINDS = ['diffusers-fp32', 'diffusers-bf16', 'diffusers-bf16-channels-last', 'openvino-bf16'];

/** Two rounds: the second says how steady the machine was. */
const ROUNDS = 2;
const DEFAULT_SIDE = 1024;
const DEFAULT_PICTURES = 2;

/** One process's seconds of each image. */
interface PeerReport {
  readonly kind: string;
  readonly unet: readonly number[];
  readonly decoderSeconds: readonly number[];
  readonly peakRssBytes: number;
}

/** The peers of `docs/engine-performance.md`, by turns, each in a process of its own. */
export const peersBench: Bench = {
  summary: 'SDXL in diffusers and OpenVINO on this CPU: seconds of UNet and decoder',
  async run({ json, options = {}, stdout, stderr }: BenchIo) {
    const side = Number(options['side'] ?? DEFAULT_SIDE);
    const pictures = Number(options['pictures'] ?? DEFAULT_PICTURES);
    const folder = cacheFolder(PEERS_FOLDER);
    await installOnce(folder, (empty) => installPython(empty, PACKAGES));
    const python = join(folder, 'bin', 'python');
    const kinds = options['kinds']?.split(',') ?? KINDS;
    const reports: PeerReport[] = [];
    const decoder = options['decoder'] === 'tiny' ? 'tiny' : 'vae';
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const kind of kinds) {
        const report = await runPeer(python, [kind, decoder, String(side), String(pictures)]);
        reports.push(report);
        stderr.write(`${line(report)}\n`);
      }
    }
    stdout.write(json ? `${JSON.stringify(reports)}\n` : `${reports.map(line).join('\n')}\n`);
  },
};

const line = ({ kind, unet, decoderSeconds }: PeerReport): string =>
  `${kind.padEnd(30)} UNet ${unet.join(' / ')} s, decoder ${decoderSeconds.join(' / ')} s`;

async function runPeer(python: string, words: readonly string[]): Promise<PeerReport> {
  const script = fromRoot('test/bench/peers/peer.py');
  const threads = String(availableParallelism());
  const child = spawn(python, [script, ...words, threads], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { unet, vae } = SDXL_CONFIGS;
  child.stdin.end(JSON.stringify({ unet, vae, tiny: TAESDXL_CONFIG }));
  const printed = await text(child.stdout);
  const last = printed.trim().split('\n').at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`${words[0]} printed no report`);
  return JSON.parse(last);
}
