/** A function as its stack's template has it. */
export interface DeployedFunction {
  readonly name: string;
  /** The bundle's folder, and `index.handler`. */
  readonly folder: string;
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMib: number;
  readonly timeoutSeconds: number;
  readonly logFormat: string;
}

/** The variables that Lambda sets itself, as its documentation lists them, and the template's own. */
export function runtimeEnvironment(
  fn: DeployedFunction,
  credentials: { readonly accessKeyId: string; readonly secretAccessKey: string },
): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_LAMBDA_FUNCTION_NAME: fn.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(fn.memoryMib),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${fn.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'test',
    AWS_LAMBDA_LOG_FORMAT: fn.logFormat,
    _HANDLER: fn.handler,
    LAMBDA_TASK_ROOT: fn.folder,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    ...fn.environment,
  };
}
