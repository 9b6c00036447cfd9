/** The parts of the API's description, each with the paths that belong to it; the first that fits counts. */
export const TAGS = [
  {
    name: 'Predictions',
    description: 'Orders for images in Replicate’s dialect: create, follow, list, cancel, erase.',
    paths: /^\/(v1\/(predictions(?!\/\{id\}\/webhooks)|models\/.*\/predictions|estimate)|streams)/,
  },
  {
    name: 'Images',
    description: 'One call, one answer: bytes, OpenAI’s images, and where an image comes from.',
    paths: /^\/(v1\/images|\.well-known)/,
  },
  {
    name: 'Models',
    description: 'What can be ordered, in which sizes, at what price.',
    paths: /^\/v1\/models/,
  },
  {
    name: 'Webhooks',
    description: 'What we sent, where, and the secret that signs it.',
    paths: /^\/v1\/(webhooks|predictions\/\{id\}\/webhooks)/,
  },
  {
    name: 'fal',
    description: 'fal.run and queue.fal.run as fal’s client calls them.',
    paths: /^\/fal/,
  },
  {
    name: 'sdapi',
    description: 'AUTOMATIC1111’s API, for chat programs. Takes Basic authentication as well.',
    paths: /^\/sdapi/,
  },
  { name: 'MCP', description: 'Tools for agents.', paths: /^\/mcp/ },
  {
    name: 'Account',
    description: 'Keys, credit, the ledger and usage; accounts and invitations for the operator.',
    paths: /^\/v1\/(accounts?|keys|credits|topups|ledger|statement|usage|audit|alerts|invitations)/,
  },
  { name: 'Service', description: 'Whether and how well it runs.', paths: /^\// },
] as const;

export const tagOf = (path: string): string =>
  TAGS.find(({ paths }) => paths.test(path))?.name ?? 'Service';
