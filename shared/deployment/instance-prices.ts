/** What an instance of a SageMaker endpoint costs and can do. */
export interface InstancePrice {
  /** On-demand dollars an hour in us-east-1, as listed in August 2026; check before quoting. */
  readonly usdPerHour: number;
  /** Dense fp16 tensor-core rate of the GPU's data sheet, in TFLOP/s. */
  readonly fp16Tflops: number;
  readonly gpu: string;
  readonly gpuMemoryGib: number;
}

/** GPU instance types that the image and its AMI (CUDA 13) run on, the cheapest first. */
export const INSTANCE_PRICES: Readonly<Record<string, InstancePrice>> = {
  'ml.g4dn.xlarge': { usdPerHour: 0.736, fp16Tflops: 65, gpu: 'T4', gpuMemoryGib: 16 },
  'ml.g6.xlarge': { usdPerHour: 1.13, fp16Tflops: 121, gpu: 'L4', gpuMemoryGib: 24 },
  'ml.g6.2xlarge': { usdPerHour: 1.22, fp16Tflops: 121, gpu: 'L4', gpuMemoryGib: 24 },
  'ml.g5.xlarge': { usdPerHour: 1.408, fp16Tflops: 70, gpu: 'A10G', gpuMemoryGib: 24 },
  'ml.g5.2xlarge': { usdPerHour: 1.515, fp16Tflops: 70, gpu: 'A10G', gpuMemoryGib: 24 },
  'ml.g6e.xlarge': { usdPerHour: 2.61, fp16Tflops: 362, gpu: 'L40S', gpuMemoryGib: 48 },
  'ml.g6e.2xlarge': { usdPerHour: 2.8, fp16Tflops: 362, gpu: 'L40S', gpuMemoryGib: 48 },
};
