/** Quotas of control groups, read from files that look like the system's. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { programOf } from './program.js';

const sources = ['test/lifecycle/cgroup.cc', 'native/threading/cgroup.cc'];
const { folder, file, missing } = programOf('cgroup', sources);

const own = 'proc/self/cgroup';
const version1 = (group: string, quota: number, period = 100000) => ({
  [`sys/fs/cgroup/${group}/cpu.cfs_quota_us`]: `${quota}\n`,
  [`sys/fs/cgroup/${group}/cpu.cfs_period_us`]: `${period}\n`,
});

const cases: [string, Record<string, string>, number][] = [
  ['no groups at all', {}, Infinity],
  ['version 2, no limit', { [own]: '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' }, Infinity],
  [
    'version 2, a limit of the root of a container',
    { [own]: '0::/\n', 'sys/fs/cgroup/cpu.max': '150000 100000\n' },
    1.5,
  ],
  [
    'version 2, the tightest on the way up',
    {
      [own]: '0::/a/b/c\n',
      'sys/fs/cgroup/a/cpu.max': '300000 100000\n',
      'sys/fs/cgroup/a/b/cpu.max': '200000 100000\n',
      'sys/fs/cgroup/a/b/c/cpu.max': 'max 100000\n',
    },
    2,
  ],
  [
    'version 2, the path of a host that is not to be seen',
    { [own]: '0::/../docker/0123\n', 'sys/fs/cgroup/cpu.max': '50000 100000\n' },
    0.5,
  ],
  [
    'version 1, no limit',
    { [own]: '4:memory:/\n3:cpu,cpuacct:/\n', ...version1('cpu,cpuacct', -1) },
    Infinity,
  ],
  [
    'version 1, a group below the root, after others',
    {
      [own]: '9:name=systemd:/x\n4:cpuset:/\n3:cpu,cpuacct:/kube/pod\n0::/\n',
      ...version1('cpu,cpuacct', -1),
      ...version1('cpu,cpuacct/kube/pod', 250000),
    },
    2.5,
  ],
  [
    'version 1, mounted under the short name',
    { [own]: '1:cpu:/docker/0123\n', ...version1('cpu', 20000, 10000) },
    2,
  ],
  [
    'another controller whose name begins alike',
    { [own]: '2:cpuset:/\n', ...version1('cpuset', 10000) },
    Infinity,
  ],
  [
    'files that say nothing',
    { [own]: '0::/\nnonsense\n:\n', 'sys/fs/cgroup/cpu.max': '\n' },
    Infinity,
  ],
];

describe.skipIf(missing !== undefined)(`CPU quotas${missing ? `: ${missing}` : ''}`, () => {
  it.each(cases.map(([name, files, quota], i) => [name, files, quota, i] as const))(
    '%s',
    (_, files, quota, i) => {
      const root = join(folder, String(i));
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
      }
      const printed = execFileSync(file, [root], { encoding: 'utf8' }).trim();
      expect(printed === 'inf' ? Infinity : Number(printed)).toBe(quota);
    },
  );
});
