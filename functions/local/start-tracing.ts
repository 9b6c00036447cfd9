import type { Tracer } from '@opentelemetry/api';
import { ENGINE_VERSION } from '#shared/engine/pipeline/engine-version.ts';
import { AppError } from '#shared/core/errors.ts';

/** Versions that run on every Node from 20.19 on. They are no dependencies: most installations trace nothing. */
const PACKAGES = {
  sdk: ['@opentelemetry/sdk-trace-base', '2.12.1'],
  exporter: ['@opentelemetry/exporter-trace-otlp-http', '0.223.0'],
  resources: ['@opentelemetry/resources', '2.12.1'],
} as const;

/** What is used of those packages. */
interface TracingPackages {
  readonly sdk: {
    readonly BasicTracerProvider: new (options: {
      readonly resource: unknown;
      readonly spanProcessors: readonly unknown[];
    }) => { getTracer(name: string, version: string): Tracer; shutdown(): Promise<void> };
    readonly BatchSpanProcessor: new (exporter: unknown) => unknown;
  };
  readonly exporter: { readonly OTLPTraceExporter: new () => unknown };
  readonly resources: { resourceFromAttributes(attributes: Record<string, string>): unknown };
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Traces by OpenTelemetry's standard variables: on where OTEL_EXPORTER_OTLP_ENDPOINT or
 * OTEL_EXPORTER_OTLP_TRACES_ENDPOINT says where spans go (OTLP over HTTP), and OTEL_SDK_DISABLED is not `true`.
 * Undefined, and nothing is loaded, otherwise.
 *
 * @throws AppError `invalid-request` when the packages are not there
 */
export async function startTracing(env: Environment) {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (!endpoint || env['OTEL_SDK_DISABLED'] === 'true') return undefined;
  const { sdk, exporter, resources } = await loadPackages();
  const provider = new sdk.BasicTracerProvider({
    resource: resources.resourceFromAttributes({
      'service.name': env['OTEL_SERVICE_NAME'] || 'onestep',
      'service.version': ENGINE_VERSION,
    }),
    spanProcessors: [new sdk.BatchSpanProcessor(new exporter.OTLPTraceExporter())],
  });
  return {
    tracer: provider.getTracer('onestep', ENGINE_VERSION),
    /** Sends what waits. */
    stop: () => provider.shutdown(),
  };
}

async function loadPackages(): Promise<TracingPackages> {
  try {
    const entries = Object.entries(PACKAGES).map(async ([key, [name]]) => [
      key,
      await import(name),
    ]);
    return Object.fromEntries(await Promise.all(entries)) as TracingPackages;
  } catch (cause) {
    const names = Object.values(PACKAGES).map(([name, version]) => `${name}@${version}`);
    throw new AppError(
      'invalid-request',
      `OTEL_EXPORTER_OTLP_ENDPOINT asks for traces, whose packages can't be loaded. Install them: npm install --no-save ${names.join(' ')}`,
      { cause },
    );
  }
}
