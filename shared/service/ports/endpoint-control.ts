/** How many instances an endpoint has, and is to have. */
export interface EndpointView {
  readonly current: number;
  readonly desired: number;
  /** Whether a change is under way: SageMaker refuses another one meanwhile. */
  readonly isUpdating: boolean;
}

/** What decides how many instances an endpoint has. Each call may be repeated. */
export interface EndpointControl {
  view(endpoint: string): Promise<EndpointView>;
  /**
   * The fewest instances that scaling keeps; fewer are made up for at once.
   *
   * @returns `paused` where the most is 0: a pause goes before everything
   */
  keepAtLeast(endpoint: string, count: 0 | 1): Promise<'done' | 'paused'>;
  /** Takes all instances away; `busy` while a change is under way. */
  stopAll(endpoint: string): Promise<'done' | 'busy'>;
}

/** What is known of an endpoint between two looks. */
export interface EndpointRow {
  /** `asleep`: who admits an order has to wake it. `waking`: that was done, and no instance runs yet. */
  readonly state: 'awake' | 'waking' | 'asleep';
  /** When it last had an open order, or came awake; milliseconds since the Unix epoch. */
  readonly busyAt: number;
  /** Since when it has been waking, and whether it was seen without an instance since then. */
  readonly wakingSince?: number;
  readonly wasEmpty?: boolean;
  /** Until when an operator wants it to have an instance. */
  readonly warmUntil?: number;
  /** What the last wakes took, in milliseconds, the oldest first. */
  readonly wakes: readonly number[];
}

export interface StoredEndpointRow extends EndpointRow {
  /** Grows with each change. */
  readonly version: number;
}

export interface EndpointRows {
  /** As it is now: a read that sees all writes before it. */
  get(endpoint: string): Promise<StoredEndpointRow | undefined>;
  /** Writes the row if it is still of this version (undefined: there is none); false otherwise. */
  put(endpoint: string, row: EndpointRow, expected: number | undefined): Promise<boolean>;
}
