#!/usr/bin/env node
// The way into the command line: sees that the packages are there, then runs the TypeScript in this
// same process. A second process would cost a fifth of a second on every command.
import { installPackages } from './packages.mjs';

/** The commands that call the CDK, which is a development dependency. */
const WITH_CDK = ['deploy', 'nuke'];
installPackages(WITH_CDK.includes(process.argv[2]));

// On AWS the functions run on Node 24: what the SDK thinks of this machine's Node does not matter.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const { register } = await import('tsx/esm/api');
register();
await import('./main.ts');
