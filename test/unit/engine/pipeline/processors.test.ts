import { describe, expect, it } from 'vitest';
import { availableProcessors } from '#shared/engine/pipeline/processors.ts';

describe('availableProcessors', () => {
  it.each([
    ['no quota', {}, 8],
    ['a quota without a limit', { '/sys/fs/cgroup/cpu.max': 'max 100000\n' }, 8],
    ['a quota of two', { '/sys/fs/cgroup/cpu.max': '200000 100000\n' }, 2],
    ['a quota of one and a half', { '/sys/fs/cgroup/cpu.max': '150000 100000\n' }, 2],
    ['less than one', { '/sys/fs/cgroup/cpu.max': '10000 100000\n' }, 1],
    ['more than the machine', { '/sys/fs/cgroup/cpu.max': '6400000 100000\n' }, 8],
    [
      'the least of nested groups',
      {
        '/proc/self/cgroup': '0::/a/b\n',
        '/sys/fs/cgroup/a/b/cpu.max': '500000 100000\n',
        '/sys/fs/cgroup/a/cpu.max': '300000 100000\n',
      },
      3,
    ],
    [
      'the first version of control groups',
      {
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '400000\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      },
      4,
    ],
  ])('knows %s', (_, files: Record<string, string>, expected) => {
    expect(availableProcessors((path) => files[path], 8)).toBe(expected);
  });
});
