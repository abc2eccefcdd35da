/**
 * Runs compiled tests on a whole computer that Bochs emulates: it knows CPUs with AVX-512, which qemu does not.
 * OCTAVO_BOCHS is the program, Debian's by default. That one is built with a debugger, and for it some four times slower
 * than one that `./configure --enable-x86-64 --enable-avx --enable-evex --enable-protection-keys --enable-long-phy-address
 * --enable-all-optimizations --with-rfb` makes: an hour and a half for all, instead of 25 minutes.
 */
import fs from 'node:fs';
import path from 'node:path';
import { capture, root, run, say } from '../lib/run.mjs';
import { imagePackages, makeImage } from './image.mjs';

const work = path.join(root, '.cache', 'emulated');
const bochs = process.env.OCTAVO_BOCHS ?? '/usr/bin/bochs-bin';
const firmware = '/usr/share/bochs/BIOS-bochs-latest';
const videoFirmware = '/usr/share/bochs/VGABIOS-lgpl-latest';
const addon = 'build/Release/octavo.node';
const kernelTests = 'build/octavo_kernel_tests';

export const bochsPackages = {
  ...imagePackages,
  [videoFirmware]: 'bochs',
  [firmware]: 'bochsbios',
};

/** CPUs, and the instruction sets that they are for. The last one, for AVX512-BF16 and AVX-VNNI, is Bochs 3's. */
const isas = {
  tigerlake: ['avx512vnni', 'avxvnni'],
  corei7_skylake_x: ['avx512bw'],
  sapphire_rapids: ['avxvnni', 'avx512vnni'],
};

/**
 * Bochs describes the registers of protection keys wrongly, and the compact form of all; with page tables of five levels
 * Linux does not start on it. It has copies that are fast when short, but none that are fast when long, which Linux does not
 * reckon with. A panic is to end the emulator: its CPU stops at a triple fault.
 */
const kernelOptions = [
  ...['clearcpuid=pku,xsaves,xsavec,fsrm', 'no5lvl', 'reboot=triple', 'panic=-1'],
  ...['nosmp', 'nokaslr', 'mitigations=off', 'tsc=reliable', 'no_timer_check', 'lpj=4000000'],
];

/**
 * The counts of test/native/kernels on `cpu`, and of the compiled test files `tests` with each instruction set that it is
 * for. Its first serial port is the terminal, of its second one each line is a report.
 */
export async function testOnBochs(cpu, tests) {
  const { OCTAVO_ISA, OCTAVO_THREADS, OCTAVO_PROBLEMS = '20' } = process.env;
  const chosen = OCTAVO_ISA ? [OCTAVO_ISA] : (isas[cpu] ?? ['avx512vnni']);
  await run('cmake', ['--build', 'build', '--target', path.basename(kernelTests)]);
  const file = (ending) => path.join(work, `${cpu}.${ending}`);
  await makeImage(file('iso'), {
    commands: [
      `export OCTAVO_BACKEND=native OCTAVO_PROBLEMS=${OCTAVO_PROBLEMS}`,
      ...(OCTAVO_THREADS ? [`export OCTAVO_THREADS=${OCTAVO_THREADS}`] : []),
      `${kernelTests} > /dev/ttyS1; echo "kernels $?" > /dev/ttyS1`,
      ...chosen.flatMap((isa) => [
        `OCTAVO_ISA=${isa} node scripts/emulated/run.mjs /report ${tests.join(' ')}`,
        `echo "${isa} $(cat /report)" > /dev/ttyS1; rm -f /report`,
      ]),
    ],
    binaries: [addon, kernelTests],
    files: ['package.json', 'CMakeLists.txt', 'scripts/emulated/run.mjs', '.cache/emulated/js'],
    packages: ['@vitest/runner', '@vitest/expect', 'node-gyp-build'],
    kernelOptions,
  });
  const reports = await emulate(cpu, file);
  const total = countVerdicts(reports);
  say(`${cpu}, test/native/kernels: ${told(total)}`);
  for (const isa of chosen) {
    const report = reports.find((line) => line.startsWith(`${isa} {`));
    const counts = report ? JSON.parse(report.slice(isa.length)) : { ...none, failed: 1 };
    say(`${cpu}, ${isa}: ${told(counts)}`);
    for (const key of Object.keys(total)) total[key] += counts[key];
  }
  return total;
}

const none = { passed: 0, failed: 0, skipped: 0 };

const told = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;

/** Of the kernel tests, which print a line for each kernel; a run that did not come to its end is a failure. */
function countVerdicts(reports) {
  const counts = { ...none };
  for (const line of reports) {
    const [, verdict] = /^(passed|failed|skipped) \w+: /.exec(line) ?? [];
    if (verdict !== undefined) counts[verdict]++;
    if (verdict === 'failed') console.error(line);
  }
  if (!reports.some((line) => /^kernels [01]$/.test(line))) counts.failed++;
  return counts;
}

/** The reports of the computer `cpu`, once it is switched off or has crashed. */
async function emulate(cpu, file) {
  const [settings, terminal, reports, go] = ['bochsrc', 'terminal', 'reports', 'debugger'].map(
    file,
  );
  const options = [
    `cpu: model=${cpu}, ips=200000000, reset_on_triple_fault=0, ignore_bad_msrs=1`,
    'memory: guest=2048, host=2048',
    `romimage: file=${firmware}`,
    `vgaromimage: file=${videoFirmware}`,
    `ata0-master: type=cdrom, path=${file('iso')}, status=inserted`,
    'boot: cdrom',
    `com1: enabled=1, mode=file, dev=${terminal}`,
    `com2: enabled=1, mode=file, dev=${reports}`,
    'display_library: rfb, options="timeout=0"',
    'speaker: enabled=0',
    `log: ${file('log')}`,
    'panic: action=fatal',
    'error: action=ignore',
  ];
  fs.writeFileSync(settings, `${options.join('\n')}\n`);
  for (const old of [terminal, reports]) fs.writeFileSync(old, '');
  const { output: help } = await capture(bochs, ['--help']);
  const hasDebugger = help.includes('-rc ');
  if (hasDebugger) fs.writeFileSync(go, 'continue\n');
  say(`its terminal is ${path.relative(root, terminal)}`);
  await capture(bochs, ['-q', '-f', settings, ...(hasDebugger ? ['-rc', go] : [])]);
  process.stderr.write(fs.readFileSync(terminal));
  return fs.readFileSync(reports, 'utf8').split(/\r?\n/);
}
