#!/usr/bin/env node
// The way into the command line: sees that the packages are there, then runs the TypeScript in this
// same process. A second process would cost a fifth of a second on every command.
import './install.mjs';

const { register } = await import('tsx/esm/api');
register();
await import('./main.ts');
