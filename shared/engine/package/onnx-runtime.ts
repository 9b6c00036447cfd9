/**
 * ONNX Runtime with telemetry off. Its Linux builds report to Microsoft unless the environment forbids
 * it: they keep a device id and a database under `~/.cache/Microsoft`, write a log per process to `/tmp`
 * and upload events. They also scan the process's command line, which may hold a prompt, and crash the
 * process if it is longer than about 28,000 bytes.
 *
 * The variable must be set before the first session; set `ORT_DISABLE_TELEMETRY=0` to allow telemetry.
 */
export async function loadOnnxRuntime(): Promise<typeof import('onnxruntime-node')> {
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
  return await import('onnxruntime-node');
}
