import type { Mutation } from './mutation.ts';
import { PAYMENTS } from './payments.ts';
import { RULES } from './rules.ts';
import { STRANGER } from './stranger.ts';
import { TRANSACTIONS } from './transactions.ts';

/** Every rule that is taken back, in the order in which they are tried. */
export const MUTATIONS: readonly Mutation[] = [...STRANGER, ...PAYMENTS, ...RULES, ...TRANSACTIONS];
