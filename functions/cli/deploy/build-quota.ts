/** The quota that counts builds on machines of the size that the project asks for. */
export const BUILD_QUOTA = 'Concurrently running builds for Linux/Large environment';

/** What to do in an account that may run no build, as new ones may. */
export function noBuilds(region: string, code?: string): string {
  const quota = code === undefined ? `"${BUILD_QUOTA}"` : `"${BUILD_QUOTA}" (${code})`;
  return `Ask for the quota ${quota} of CodeBuild in ${region}, which is a ticket and takes days; or build with Docker here, now: "onestep deploy --build local".`;
}
