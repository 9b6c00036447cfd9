import type { TestProject } from 'vitest/node';
import { type StandInAddresses, startStandIns } from './start.ts';

declare module 'vitest' {
  interface ProvidedContext {
    standIns: StandInAddresses;
  }
}

/** One set of stand-ins for the whole run; each test file makes its own table and buckets. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const standIns = await startStandIns();
  project.provide('standIns', standIns.addresses);
  return standIns.stop;
}
