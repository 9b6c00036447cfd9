/** The streams of a bench, and whether it prints one JSON document. */
export interface BenchIo {
  readonly json: boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** One subject of `npm run -s bench`. */
export interface Bench {
  readonly summary: string;
  run(io: BenchIo): Promise<void>;
}
