import { restartSampleIds } from './samples.ts';

// Run before each file of tests.
restartSampleIds();
