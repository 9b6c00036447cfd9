/** Seconds that each function may take. A queue's visibility is six times its reader's. */
export const TIMEOUTS = {
  /** Origin-request functions end at 30 s; this one verifies and hashes. */
  edge: 10,
  /** A blocked create takes 52 s. */
  api: 60,
  dispatch: 60,
  complete: 30,
  /** Five entries of one job go one after the other, each for 15 s at most. */
  webhooks: 90,
  sweep: 55,
  inspect: 30,
  'kill-switch': 60,
  'package-check': 30,
} as const;
