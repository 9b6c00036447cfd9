/**
 * A function's variables as a template sets them: each that its `config.ts` asks for, so that a missing
 * one is an error of the compiler, but those that Lambda sets itself.
 */
export type OwnEnvironment<Env> = {
  [Name in keyof Env as Exclude<Name, 'AWS_REGION'>]: Exclude<Env[Name], undefined>;
};
