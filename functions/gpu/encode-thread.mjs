import { register } from 'tsx/esm/api';

// A thread does not inherit what makes its parent read TypeScript.
register();
export const { encodePicture } = await import('./encode-picture.ts');
