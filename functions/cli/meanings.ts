/** What other programs call a command's work, and people do: the words by the command that does it. */
const MEANINGS: Readonly<Record<string, readonly string[]>> = {
  start: ['run', 'up', 'server', 'launch', 'dev'],
  generate: ['draw', 'create', 'image', 'picture', 'predict', 'txt2img', 'make', 'prompt'],
  verify: ['check', 'validate', 'provenance'],
  open: ['login', 'signin', 'browser', 'page', 'ui', 'web', 'link'],
  keys: ['token', 'tokens', 'apikey', 'auth'],
  credits: ['balance', 'ledger', 'topup', 'grant', 'money', 'pay'],
  accounts: ['users', 'customers', 'tenants'],
  usage: ['bill', 'billing', 'invoice', 'report', 'stats'],
  logs: ['history', 'predictions', 'jobs', 'list', 'ls', 'ps', 'tail'],
  top: ['status', 'watch', 'monitor', 'queue', 'info'],
  backup: ['save', 'dump', 'copy', 'snapshot', 'restore'],
  import: ['pull', 'download', 'convert', 'install', 'add', 'export'],
  doctor: ['diagnose', 'test', 'health'],
  inspect: ['show', 'describe', 'cat'],
  tokenize: ['tokenise', 'clip', 'encode'],
  bench: ['benchmark', 'speed', 'perf', 'measure'],
  cost: ['price', 'prices', 'estimate'],
  preflight: ['plan', 'quota'],
  push: ['upload', 'publish'],
  nuke: ['destroy', 'delete', 'remove', 'uninstall', 'down'],
  pause: ['stop', 'disable'],
  resume: ['continue', 'unpause', 'enable'],
  completion: ['completions', 'complete', 'autocomplete'],
};

/** The command that does what a word means elsewhere. */
export function meantCommand(word: string): string | undefined {
  const typed = word.toLowerCase();
  return Object.keys(MEANINGS).find((name) => MEANINGS[name]?.includes(typed));
}
