#!/usr/bin/env node
// The way into the command line: sees that the packages are there, then runs the TypeScript in this
// same process. A second process would cost a fifth of a second on every command.
import './install.mjs';

// On AWS the functions run on Node 24: what the SDK thinks of this machine's is nobody's concern here.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const { register } = await import('tsx/esm/api');
register();
await import('./main.ts');
