import { register } from '#typescript';

// A thread does not inherit what makes its parent read TypeScript.
register();
await import('./answer-inspections.ts');
