/** Octavo's native backend as contenders, below its interface: plans without call overhead, and the register loops. */
import {
  createNativeBackend,
  nativePeaks,
  runNativePeak,
} from '../dist/esm/backends/native/index.js';

/** Register loops of each instruction set: narrower sets are measured against what they have, AMX against AVX-512. */
const peakIsas = { avx2: 'avx2', avxvnni: 'avxvnni' };

/** The register loop for a kind of product ('u8s8s32', 's16s16s32', 'f32') on an instruction set; undefined if none. */
export function peakFor(types, isa) {
  const wanted = `peak_${types}_${peakIsas[isa] ?? 'avx512vnni'}`;
  const peaks = nativePeaks();
  const peak =
    peaks.find(({ name }) => name === wanted) ??
    peaks.find(({ name }) => name === `${wanted}_evex`) ??
    (isa === 'avxvnni' ? peaks.find(({ name }) => name === `peak_${types}_avx2`) : undefined);
  if (peak === undefined) return undefined;
  return { ...peak, burst: (repeats) => runNativePeak(peak.name, repeats) };
}

/** Opens and prepares { plan, constants }; options as of createNativeBackend. */
export function nativeContender(name, { plan, constants }, inputs, options) {
  const model = createNativeBackend(options).open(constants);
  const prepared = model.prepare(plan);
  return {
    name,
    burst: (repeats) => prepared.measure(inputs, repeats),
    answer: () => prepared.runSync(inputs),
    close: () => model.dispose(),
  };
}
