/** Below these, only the API answers. */
const OF_THE_API = /^\/(v1|fal|sdapi|mcp|streams|files|metrics)(\/|$)/;

/** Whether somebody has sent a browser to an address outside the API: at the least, an answer is a page. */
export function isPageVisit(request: Request, path: string): boolean {
  const accept = request.headers.get('accept') ?? '';
  return request.method === 'GET' && accept.includes('text/html') && !OF_THE_API.test(path);
}
