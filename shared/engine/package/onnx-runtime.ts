/**
 * ONNX Runtime, told to keep to itself. Its builds for Linux report to Microsoft unless the
 * environment says no: they keep a device id and a database under `~/.cache/Microsoft`, leave a log in
 * `/tmp` per process and upload events. They also search the process's command line, where a prompt
 * may stand, in a way that ends the process when it is longer than about 28,000 bytes.
 *
 * The environment must say so before the first session; whoever wants the reports sets
 * `ORT_DISABLE_TELEMETRY=0`.
 */
export async function loadOnnxRuntime(): Promise<typeof import('onnxruntime-node')> {
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
  return await import('onnxruntime-node');
}
