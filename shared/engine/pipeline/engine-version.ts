/** The version that pictures are stamped with; a test holds it equal to the package's. */
export const ENGINE_VERSION = '0.1.0';
