/** Octavo's native backend as contenders, below its interface: plans without call overhead, and the register loops. */
import {
  createNativeBackend,
  nativePeaks,
  runNativePeak,
} from '../dist/esm/backends/native/index.js';
import { planContender } from './plan.mjs';

/** Instruction sets that are measured against the register loop of another one: AMX against what it is to replace. */
const peakIsas = { amx: 'avx512vnni' };
/** The set whose kernels an instruction set may run besides its own (native/cpu/isa.h). */
const implied = {
  amx: 'avx512vnni',
  avx512vnni: 'avx512bf16', // in names of kernels alone
  avx512bf16: 'avx512bw',
  avx512bw: 'avx2',
  avxvnni: 'avx2',
  avx2: 'sse41',
  sse41: 'portable',
  neoni8mm: 'neondot',
  neondot: 'neon',
  neon: 'portable',
};

/** The instruction sets whose kernels may run when `isa` is in force, the best first. */
export function impliedIsas(isa) {
  const isas = [];
  for (let set = isa; set !== undefined; set = implied[set]) isas.push(set);
  return isas;
}

/**
 * The register loop for a kind of product ('s16s16s32', 'f32') on an instruction set, as a contender; undefined if there is none. Products
 * of bytes ('u8s8s32') are what sets differ in, so for these no other set's loop will do;
 * NEON has them for s8 · s8 alone.
 */
export function peakFor(types, isa) {
  const peaks = nativePeaks();
  for (const set of impliedIsas(peakIsas[isa] ?? isa)) {
    const peak = peaks.find(({ name }) =>
      [types, ...(types === 'u8s8s32' ? ['s8s8s32'] : [])].some((kind) =>
        [`peak_${kind}_${set}`, `peak_${kind}_${set}_evex`].includes(name),
      ),
    );
    if (peak !== undefined) {
      return {
        name: peak.name,
        amount: peak.ops,
        burst: (repeats) => runNativePeak(peak.name, repeats),
      };
    }
    if (types === 'u8s8s32') break;
  }
  return undefined;
}

/** { plan, constants } on the native backend; options as of createNativeBackend. */
export function nativeContender(name, plan, inputs, options) {
  return planContender(name, plan, inputs, createNativeBackend(options));
}
