/** A running deployment, wherever it runs, as the suites of clients see it. */
export interface Served {
  readonly url: string;
  /** Of one account, named `demo`, with credit: a key to order with, and one with every scope. */
  readonly keys: { readonly key: string; readonly adminKey: string };
  /** What it says that its models run on. Default `cpu`. */
  readonly hardware?: string;
  /** Calls the API with the admin key and reads its JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
  call(method: string, path: string, body?: unknown): Promise<any>;
  close(): Promise<void>;
}

export type StartServed = () => Promise<Served>;
