import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { recipeNamed } from '#shared/engine/package/recipes.ts';
import { readSchedule } from '#shared/engine/package/schedule.ts';
import { fixture } from '#test/helpers/model-fixture.ts';

const config = JSON.parse(
  readFileSync(fixture('tiny', 'repo', 'scheduler', 'scheduler_config.json'), 'utf8'),
);

const DISBACK = recipeNamed('disback');

describe('readSchedule', () => {
  it("has diffusers' constants of SDXL at timestep 399", () => {
    expect(readSchedule(config, 'scheduler_config.json', DISBACK)).toEqual({
      scheduler: 'lcm',
      timestep: 399,
      sqrtAlpha: Math.fround(0.65275276),
      sqrtOneMinusAlpha: Math.fround(0.75757104),
      prediction: 'epsilon',
    });
  });

  it("takes LCMScheduler's defaults for absent fields", () => {
    expect(readSchedule({}, 'x', DISBACK)).toEqual(readSchedule(config, 'x', DISBACK));
  });

  it.each([
    ['squaredcos_cap_v2', 0.8046602, 0.5937356],
    ['linear', 0.5398597, 0.841755],
  ])('has the constants of diffusers for %s', (beta_schedule, signal, noise) => {
    const step = readSchedule({ beta_schedule }, 'x', DISBACK);
    expect(step.sqrtAlpha).toBeCloseTo(signal, 6);
    expect(step.sqrtOneMinusAlpha).toBeCloseTo(noise, 6);
  });

  it('clips clean latents where the config says so', () => {
    expect(readSchedule({ clip_sample: true }, 'x', DISBACK).clip).toBe(1);
    expect(readSchedule({ clip_sample: true, clip_sample_range: 0.5 }, 'x', DISBACK).clip).toBe(
      0.5,
    );
    expect(readSchedule({ clip_sample: false }, 'x', DISBACK).clip).toBeUndefined();
  });

  it.each([
    ['beta_schedule', 'exponential'],
    ['timestep_scaling', 0],
    ['_class_name', 'EDMEulerScheduler'],
    ['_class_name', 'FlowMatchEulerDiscreteScheduler'],
    ['use_flow_sigmas', true],
    ['timestep_type', 'continuous'],
    ['trained_betas', [0.1]],
    ['rescale_betas_zero_snr', true],
    ['clip_sample_range', 0],
    ['thresholding', true],
    ['prediction_type', 'flow'],
  ])('refuses %s: %j by name', (field, value) => {
    expect(() => readSchedule({ ...config, [field]: value }, 'file.json', DISBACK)).toThrow(
      new RegExp(`file.json: "${field}"`),
    );
  });

  it("has LCM's boundary condition where the timestep is small or hardly scaled", () => {
    const step = readSchedule({ timestep_scaling: 0.01 }, 'x', DISBACK);
    expect(step.boundary?.out).toBeCloseTo(0.99224, 5);
    expect(step.boundary?.skip).toBeCloseTo(0.015461, 5);
  });

  it('takes prediction and timestep from the recipe alone', () => {
    const step = readSchedule({ ...config, prediction_type: 'v_prediction' }, 'x', DISBACK);
    expect(step).toEqual(readSchedule(config, 'x', DISBACK));
  });

  it('refuses a schedule that ends before the timestep', () => {
    expect(() => readSchedule({ num_train_timesteps: 300 }, 'x', DISBACK)).toThrow(
      'Timestep 399 of the recipe (--timestep or --recipe): x knows 0 to 299, by its "num_train_timesteps".',
    );
  });
});
