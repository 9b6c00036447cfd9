// A thread does not inherit what makes its parent read TypeScript, and Node 24 reads it itself.
if (!process.features.typescript) (await import('#typescript')).register();
export const { isMarked, measurePicture } = await import('./measure-picture.ts');
