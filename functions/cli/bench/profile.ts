import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type AnyGraphName, GRAPH_NAMES } from '#shared/engine/package/manifest.ts';

/** Operators of each graph that the text report names. */
const SHOWN = 8;

/** What all operators of one kind took in one run of a graph. */
export interface OperatorTime {
  /** As ONNX Runtime calls it after it has fused what it could. */
  readonly operator: string;
  readonly calls: number;
  readonly ms: number;
  /** Of all operators of that run. */
  readonly share: number;
}

/** For each graph that was run, its operators, those that took longest first. */
export type Profile = Readonly<Partial<Record<AnyGraphName, readonly OperatorTime[]>>>;

/** An event of ONNX Runtime's profiler; times are microseconds since it began. */
const EventSchema = z.object({
  cat: z.string(),
  name: z.string(),
  ts: z.number(),
  dur: z.number(),
  args: z.object({ op_name: z.string().optional() }),
});
type ProfileEvent = z.infer<typeof EventSchema>;

/**
 * What ONNX Runtime wrote about the last run of each graph.
 *
 * @param folder where sessions left their files, which they do when they are released
 */
export function readProfile(folder: string): Profile {
  const profile: Partial<Record<AnyGraphName, readonly OperatorTime[]>> = {};
  for (const graph of [...GRAPH_NAMES, 'draft'] as const) {
    // A graph is opened again after a large image, for a next one that may not come, or for a small one.
    for (const file of newestFirst(folder, graph)) {
      const events = z.array(EventSchema).parse(JSON.parse(readFileSync(file, 'utf8')));
      const operators = lastRun(events);
      if (operators === undefined) continue;
      profile[graph] = operators;
      break;
    }
  }
  return profile;
}

function newestFirst(folder: string, graph: AnyGraphName): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${graph}_`))
    .map((name) => join(folder, name))
    .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
}

/** The operators of the last run; undefined where there was none. */
function lastRun(events: readonly ProfileEvent[]): readonly OperatorTime[] | undefined {
  const run = events.findLast(({ name }) => name === 'model_run');
  if (run === undefined) return undefined;
  const totals = new Map<string, { calls: number; micros: number }>();
  for (const { cat, name, ts, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || ts < run.ts) continue;
    const operator = args.op_name ?? name;
    const { calls, micros } = totals.get(operator) ?? { calls: 0, micros: 0 };
    totals.set(operator, { calls: calls + 1, micros: micros + dur });
  }
  const all = [...totals.values()].reduce((sum, { micros }) => sum + micros, 0);
  return [...totals]
    .toSorted(([, a], [, b]) => b.micros - a.micros)
    .map(([operator, { calls, micros }]) => ({
      operator,
      calls,
      ms: micros / 1000,
      share: all === 0 ? 0 : Math.round((micros / all) * 1e4) / 1e4,
    }));
}

/** The profile as lines for a person. */
export function profileText(profile: Profile): string {
  return Object.entries(profile)
    .map(([graph, operators]) => {
      const ms = operators.reduce((sum, operator) => sum + operator.ms, 0);
      const lines = operators.slice(0, SHOWN).map(operatorLine);
      return `${graph}, operators of one run, ${ms.toFixed(1)} ms:\n${lines.join('')}`;
    })
    .join('');
}

const operatorLine = ({ operator, calls, ms, share }: OperatorTime): string =>
  `  ${operator.padEnd(28)}${String(calls).padStart(5)} × ${ms.toFixed(1).padStart(9)} ms ${(share * 100).toFixed(1).padStart(5)} %\n`;
