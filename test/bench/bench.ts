/** The streams of a bench, and whether it prints one JSON document. */
export interface BenchIo {
  readonly json: boolean;
  /** Options of one bench alone, as they were given. */
  readonly options?: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** One subject of `npm run -s bench`. */
export interface Bench {
  readonly summary: string;
  run(io: BenchIo): Promise<void>;
}
