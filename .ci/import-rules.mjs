/**
 * Which folder may import which: arrows run one way, from the processes that start to the values that
 * everything shares. `npm run imports` holds this, and docs/contributing.md draws it.
 */

const SHARED = {
  core: [],
  provenance: ['core'],
  'engine/bytes': ['core'],
  'engine/checkpoint': ['core', 'engine/bytes'],
  'engine/hub': ['core', 'engine/bytes'],
  'engine/onnx': ['core', 'engine/bytes'],
  'engine/package': ['core', 'engine/bytes', 'engine/checkpoint', 'engine/onnx'],
  'engine/pipeline': ['core', 'provenance', 'engine/bytes', 'engine/checkpoint', 'engine/package'],
  'engine/int8': [
    'core',
    'engine/bytes',
    'engine/checkpoint',
    'engine/onnx',
    'engine/package',
    'engine/pipeline',
  ],
  'service/ports': ['core'],
  'service/domain': ['core', 'service/ports'],
  service: ['core', 'service'],
  adapters: ['core', 'service', 'engine/bytes', 'adapters'],
  deployment: ['core', 'service/domain'],
};

/** One folder a stack: each knows those that are deployed before it. */
const INFRA = {
  constructs: [],
  handlers: [],
  data: ['constructs'],
  edge: ['constructs', 'data'],
  gpu: ['constructs', 'data'],
  api: ['constructs', 'data', 'edge', 'gpu'],
  webhooks: ['constructs', 'data', 'api'],
  operations: ['constructs', 'handlers', 'data', 'edge', 'gpu', 'api', 'webhooks'],
};

/**
 * @param {'shared' | 'infra'} base
 * @param {Readonly<Record<string, readonly string[]>>} folders below it, with those that each may import
 * @param {string} free what all of them may import besides
 */
function directions(base, folders, free) {
  return Object.entries(folders).map(([folder, allowed]) => ({
    name: `${base}/${folder}`,
    comment: `Of ${base}/, ${folder} imports only itself and ${allowed.join(', ') || 'no other folder'}.`,
    severity: 'error',
    from: { path: `^${base}/${folder}/` },
    to: {
      path: `^(?!${free})(shared|functions|infra)/`,
      pathNot: `^${base}/(${[folder, ...allowed].join('|')})/`,
    },
  }));
}

/** @param {string} name of a function that is deployed by itself @param {string} shared what it needs not know */
function functionIsAlone(name, shared) {
  return {
    name: `functions/${name}`,
    comment: `functions/${name} imports no other function, and of shared/ nothing in ${shared}.`,
    severity: 'error',
    from: { path: `^functions/${name}/` },
    to: { path: `^(infra/|functions/(?!${name}/)|shared/(${shared})/)` },
  };
}

const API_SCHEMAS = '^functions/api/[\\w-]+/[\\w-]+-schema[.]ts$';
const ENGINE = 'engine|deployment';

/** @type {import('dependency-cruiser').IConfiguration} */
export const IMPORT_RULES = {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'not-to-test',
      comment: 'Nothing that is shipped imports the tests.',
      severity: 'error',
      from: { path: '^(shared|functions|infra)/' },
      to: { path: '^test/' },
    },
    {
      name: 'resolvable',
      comment: 'Every import leads to a file or to a package.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'only-dependencies',
      comment:
        'What a command or a function imports is there after an install without --include=dev, but for the packages of features that are installed where they are configured.',
      severity: 'error',
      from: { path: '^(shared|functions)/', pathNot: '^shared/adapters/(x402|stripe)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    ...directions('shared', SHARED, '(?!)'),
    ...directions('infra', INFRA, '(shared|functions)/'),
    {
      name: 'service-is-pure',
      comment: 'The rules of the service know no SDK and no HTTP framework.',
      severity: 'error',
      from: { path: '^shared/service/' },
      to: { path: 'node_modules/(hono|@hono|@aws-sdk|libsql|sharp|onnxruntime-node)/' },
    },
    {
      name: 'service-without-node',
      comment: 'The rules of the service use nothing of node:*.',
      severity: 'error',
      from: { path: '^shared/service/' },
      to: { dependencyTypes: ['core'] },
    },
    functionIsAlone('edge', `${ENGINE}|adapters/sqlite|adapters/files`),
    functionIsAlone('api', ENGINE),
    functionIsAlone('gpu', 'engine/onnx|deployment|adapters/dynamo|adapters/sqlite'),
    functionIsAlone('complete', ENGINE),
    functionIsAlone('dispatch', ENGINE),
    functionIsAlone('webhooks', ENGINE),
    functionIsAlone('sweep', ENGINE),
    functionIsAlone('inspect', `${ENGINE}|service|adapters`),
    {
      name: 'one-limit-for-all',
      comment:
        'A rate limit in memory is one process’s own; deployed, many share one in the table.',
      severity: 'error',
      from: { path: '^functions/(?!local/)' },
      to: { path: '^shared/adapters/memory/token-bucket-rate-limiter[.]ts$' },
    },
    {
      name: 'functions/local',
      comment:
        'The embedded server is made of the other functions, and knows neither infra nor the CLI.',
      severity: 'error',
      from: { path: '^functions/local/' },
      to: { path: '^(infra|functions/cli)/' },
    },
    {
      name: 'functions/cli',
      comment: 'The CLI starts the embedded server; of the API it knows the schemas, by type.',
      severity: 'error',
      from: { path: '^functions/cli/' },
      to: { path: '^(infra/|functions/(?!cli/|local/))', pathNot: API_SCHEMAS },
    },
    {
      name: 'browser',
      comment:
        'What runs in the browser knows of the rest the schemas, by type, and how a prompt is read.',
      severity: 'error',
      from: { path: '^functions/api/browser/' },
      to: {
        path: '^(shared|functions|infra)/',
        pathNot: ['^functions/api/browser/', API_SCHEMAS, '^shared/core/prompt-words[.]ts$'],
      },
    },
    {
      name: 'infra',
      comment: 'infra knows functions by their environments, and the API by the pages it bundles.',
      severity: 'error',
      from: { path: '^infra/' },
      to: { path: '^functions/', pathNot: '^functions/(\\w+/config|api/pages/build-assets)\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^test/(fixtures|quickstarts/js|generators/use)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['node', 'import', 'default', 'types'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
};
