// Preloaded into a process: in it, the packages of x402 are not installed.
import { register } from 'node:module';

const hooks = `export async function resolve(name, context, next) {
  if (/^(@x402\\/|viem(\\/|$))/.test(name)) {
    throw Object.assign(new Error('Cannot find package ' + name), { code: 'ERR_MODULE_NOT_FOUND' });
  }
  return next(name, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
