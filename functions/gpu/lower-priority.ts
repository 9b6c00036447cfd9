import { getPriority, setPriority } from 'node:os';

/** As `nice` counts: 0 is normal, 19 yields to everything. */
export const LOWER_PRIORITY = 5;

/**
 * Lets the process that answers requests go first on a shared processor. Where this one yields as much or
 * more already, it stays as it is: only root may raise a priority.
 */
export function lowerPriority(): void {
  if (getPriority() < LOWER_PRIORITY) setPriority(LOWER_PRIORITY);
}
