/** A path, absolute or not, in any script; folders may have spaces in their names. */
const PATH = /(?:[A-Za-z]:)?[^\s"'(:\\/]*[\\/](?:[^\\/:"'\n]+[\\/])*([^\\/\s:"',;]+)/g;

/** A message for clients: they learn which file is at fault, and nothing about the folders here. */
export const withoutFolders = (message: string): string => message.replace(PATH, '$1');
