import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writePrivateFile } from './write-private-file.ts';

const SERVER_FILE = 'server.json';
const ServerSchema = z.object({ url: z.url(), pid: z.number().int() });

/** Where the running server of a data folder listens, for commands that work on the same folder. */
export type ServerFacts = z.infer<typeof ServerSchema>;

export function writeServerFile(folder: string, facts: ServerFacts): void {
  writePrivateFile(join(folder, SERVER_FILE), JSON.stringify(facts));
}

export function removeServerFile(folder: string): void {
  rmSync(join(folder, SERVER_FILE), { force: true });
}

/** What the file says; a server that was killed leaves it behind. */
export function readServerFile(folder: string): ServerFacts | undefined {
  try {
    return ServerSchema.parse(JSON.parse(readFileSync(join(folder, SERVER_FILE), 'utf8')));
  } catch {
    return undefined;
  }
}
