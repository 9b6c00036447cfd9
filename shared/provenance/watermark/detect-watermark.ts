import type { RgbImage } from './blocks.ts';
import { decodePayload } from './code.ts';
import { findPlace, lineAt, type Place } from './find-place.ts';
import { findScales, refineScale, SMALLEST_SCALE } from './find-scales.ts';
import { LINES, OUTER_RADIUS, PERIOD, PILOTS } from './lines.ts';
import { signsOf } from './pattern.ts';
import { type ReadLines, readLines, type Scale } from './read-lines.ts';
import { spectrumOf } from './spectrum.ts';
import { halve, lumaOf, whiten } from './whiten.ts';

export interface FoundWatermark {
  readonly payload: Uint8Array;
  /** How many times as large as when it was marked the picture is. */
  readonly scale: number;
  /** Correlation with the whole pattern, up to 1. */
  readonly agreement: number;
}

/**
 * The least agreement that counts. An unmarked picture knows nothing of the key's 384 signs: by
 * Hoeffding's inequality it agrees this well with one pattern in one place with a probability of at most
 * exp(-384 · 0.6² / 2) < 2⁻⁹⁹. There are 2⁴⁸ payloads, fewer than 2¹⁷ scales and 2¹⁴ places: a picture is
 * taken for a marked one with a probability of at most 2⁻²⁰, less than 10⁻⁶. The checksum is counted in:
 * without it, there were 2⁶⁴ codewords.
 */
export const ACCEPTED_AGREEMENT = 0.6;

/** Pixels to a side that are looked at; larger pictures are halved first. */
const MOST_PIXELS = 1365;
/** Pilots that agree so well are worth decoding before the other scales have been looked at. */
const SURE_PILOTS = 56;
/** Of the others, how many are decoded. */
const DECODED = 4;

interface Candidate {
  readonly scale: Scale;
  readonly read: ReadLines;
  readonly place: Place;
}

/**
 * Looks for the mark in a picture that may have been compressed, scaled and cropped. It needs neither the
 * original nor a secret.
 */
export function detectWatermark(image: RgbImage): FoundWatermark | undefined {
  let plane = lumaOf(image);
  let halvings = 0;
  while (Math.max(plane.width, plane.height) > MOST_PIXELS) {
    plane = halve(plane);
    halvings += 1;
  }
  const spectrum = spectrumOf(whiten(plane), OUTER_RADIUS / PERIOD / SMALLEST_SCALE);
  const side = Math.max(plane.width, plane.height);
  const found = (candidate: Candidate): FoundWatermark | undefined => {
    const decoded = decode(candidate);
    return decoded && { ...decoded, scale: candidate.scale.x * 2 ** halvings };
  };
  const candidates: Candidate[] = [];
  for (const likely of findScales(spectrum, side)) {
    const scale = refineScale(spectrum, likely, side);
    const read = readLines(spectrum, scale);
    const candidate = { scale, read, place: findPlace(read) };
    const sure = candidate.place.agreement >= SURE_PILOTS ? found(candidate) : undefined;
    if (sure !== undefined) return sure;
    candidates.push(candidate);
  }
  candidates.sort((a, b) => b.place.agreement - a.place.agreement);
  for (const candidate of candidates.slice(0, DECODED)) {
    const decoded = found(candidate);
    if (decoded !== undefined) return decoded;
  }
  return undefined;
}

function decode({ read, place }: Candidate): Omit<FoundWatermark, 'scale'> | undefined {
  const lines = Float64Array.from(LINES, (_, i) => lineAt(read, place, i));
  const payload = decodePayload(lines.subarray(PILOTS));
  if (payload === undefined) return undefined;
  let sum = 0;
  let squares = 0;
  for (const [i, sign] of signsOf(payload).entries()) {
    const value = lines[i] as number;
    // The key's sign has been taken off already.
    sum += value * sign * (LINES[i] as (typeof LINES)[number]).sign;
    squares += value * value;
  }
  const agreement = squares === 0 ? 0 : sum / Math.sqrt(squares * LINES.length);
  return agreement >= ACCEPTED_AGREEMENT ? { payload, agreement } : undefined;
}
