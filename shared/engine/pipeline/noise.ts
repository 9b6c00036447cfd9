/**
 * `torch.randn(..., dtype=torch.float32, generator=torch.Generator("cpu").manual_seed(seed))`, value
 * by value, as PyTorch computes it on x86-64: Mersenne Twister, then Box–Muller in blocks of sixteen
 * with the polynomials of its AVX2 kernel (aten/src/ATen/native/cpu/DistributionTemplates.h and
 * avx_mathfun.h). Every step is rounded to float32, so the result does not depend on this machine's
 * mathematical library.
 */
const f = Math.fround;

/** Below this count PyTorch draws one value at a time, in double precision. */
const BLOCK = 16;
const TWO_PI = f(6.283185307179586);

/**
 * Standard normal values.
 *
 * @param seed only its low 32 bits count, as in PyTorch
 * @param count how many values, in the order of the tensor's elements
 */
export function torchRandn(seed: number, count: number): Float32Array {
  const random = createMersenneTwister(seed);
  const values = new Float32Array(count);
  if (count < BLOCK) return fillOneByOne(values, random);
  for (let i = 0; i < count; i++) values[i] = uniform(random());
  for (let start = 0; start + BLOCK <= count; start += BLOCK) boxMullerBlock(values, start);
  if (count % BLOCK !== 0) {
    // The last block overlaps the one before it and is drawn afresh.
    const start = count - BLOCK;
    for (let i = start; i < count; i++) values[i] = uniform(random());
    boxMullerBlock(values, start);
  }
  return values;
}

/** The seed of image `index` of a batch; it makes the same picture alone. */
export function imageSeed(seed: number, index: number): number {
  return (seed + index) % 2 ** 32;
}

/** The low 24 bits of a draw as a number in [0, 1). */
function uniform(draw: number): number {
  return f((draw & 0xffffff) * 2 ** -24);
}

/** Makes normal values of sixteen uniform ones in place: the radius of the first eight, the angle of the rest. */
function boxMullerBlock(values: Float32Array, start: number): void {
  for (let i = start; i < start + BLOCK / 2; i++) {
    const u1 = f(1 - (values[i] ?? 0));
    const u2 = values[i + BLOCK / 2] ?? 0;
    const radius = f(Math.sqrt(f(-2 * logFloat32(u1))));
    const { sin, cos } = sinCosFloat32(f(TWO_PI * u2));
    values[i] = f(radius * cos);
    values[i + BLOCK / 2] = f(radius * sin);
  }
}

/** PyTorch's path for tiny tensors: Box–Muller in double precision, the second value kept for the next draw. */
function fillOneByOne(values: Float32Array, random: () => number): Float32Array {
  const uniform53 = (): number => {
    const high = random();
    const low = random();
    // 53 random bits of a 64-bit draw.
    return ((high % 2 ** 21) * 2 ** 32 + low) * 2 ** -53;
  };
  for (let i = 0; i < values.length; i += 2) {
    const u1 = uniform53();
    const u2 = uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-u2));
    const theta = 2 * Math.PI * u1;
    values[i] = radius * Math.cos(theta);
    if (i + 1 < values.length) values[i + 1] = radius * Math.sin(theta);
  }
  return values;
}

const LOG_POLYNOMIAL = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1,
  -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(f);
const SQRT_HALF = f(Math.SQRT1_2);

const scratch = new DataView(new ArrayBuffer(4));

/** Natural logarithm of a positive float32, as cephes' `logf`. */
function logFloat32(x: number): number {
  scratch.setFloat32(0, x);
  const bits = scratch.getUint32(0);
  let exponent = (bits >>> 23) - 126;
  scratch.setUint32(0, (bits & 0x007fffff) | 0x3f000000);
  let m = scratch.getFloat32(0);
  if (m < SQRT_HALF) {
    exponent -= 1;
    m = f(f(m - 1) + m);
  } else {
    m = f(m - 1);
  }
  const z = f(m * m);
  let y = 0;
  for (const coefficient of LOG_POLYNOMIAL) y = f(f(y * m) + coefficient);
  y = f(f(y * m) * z);
  y = f(y + f(exponent * f(-2.1219444e-4)));
  y = f(y - f(z * 0.5));
  m = f(m + y);
  return f(m + f(exponent * f(0.693359375)));
}

/** Sine and cosine of a float32 ≥ 0, as cephes' `sinf` and `cosf` (argument reduced in three steps). */
function sinCosFloat32(x: number): { sin: number; cos: number } {
  const octant = (Math.trunc(f(x * f(1.27323954473516))) + 1) & ~1;
  let r = f(x - f(octant * f(0.78515625)));
  r = f(r - f(octant * f(2.4187564849853516e-4)));
  r = f(r - f(octant * f(3.774894977445941e-8)));
  const z = f(r * r);
  let c = f(f(2.443315711809948e-5) * z);
  c = f(c + f(-1.388731625493765e-3));
  c = f(f(c * z) + f(4.166664568298827e-2));
  c = f(f(c * z) * z);
  c = f(f(c - f(z * 0.5)) + 1);
  let s = f(f(-1.9515295891e-4) * z);
  s = f(s + f(8.3321608736e-3));
  s = f(f(s * z) + f(-1.6666654611e-1));
  s = f(f(s * z) * r);
  s = f(s + r);
  const swapped = (octant & 2) !== 0;
  return {
    sin: ((octant & 4) === 0 ? 1 : -1) * (swapped ? c : s),
    cos: (((octant - 2) & 4) === 0 ? -1 : 1) * (swapped ? s : c),
  };
}

const STATE_SIZE = 624;
const STATE_SHIFT = 397;

/** MT19937 as `torch.Generator("cpu")` seeds it; each call gives 32 random bits. */
function createMersenneTwister(seed: number): () => number {
  const state = new Uint32Array(STATE_SIZE);
  state[0] = seed % 2 ** 32;
  for (let i = 1; i < STATE_SIZE; i++) {
    const before = state[i - 1] ?? 0;
    state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
  }
  let position = STATE_SIZE;
  return () => {
    if (position === STATE_SIZE) {
      twist(state);
      position = 0;
    }
    let y = state[position++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < STATE_SIZE; i++) {
    const y = ((state[i] ?? 0) & 0x80000000) | ((state[(i + 1) % STATE_SIZE] ?? 0) & 0x7fffffff);
    state[i] = (state[(i + STATE_SHIFT) % STATE_SIZE] ?? 0) ^ (y >>> 1) ^ ((y & 1) * 0x9908b0df);
  }
}
