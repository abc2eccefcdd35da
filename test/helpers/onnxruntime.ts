/** Running a file in onnxruntime-node, as the oracle. One thread, so that sums have one order. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { TypedArray } from '../../src/core/dtype.js';
import type { Tensor } from '../../src/core/tensor.js';

export interface OracleResult {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

/**
 * Outputs by name. `optimize` false runs the graph as it is written. On CPUs without a dot product instruction ONNX
 * Runtime's products of uint8 and int8 saturate; `precise` makes optimized ones exact, of weights that have zero points.
 */
export async function runOnnxRuntime(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
  { optimize = true, precise = false } = {},
): Promise<Map<string, OracleResult>> {
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: 1,
    graphOptimizationLevel: optimize ? 'all' : 'disabled',
    logSeverityLevel: 3,
    extra: { session: { x64quantprecision: precise ? '1' : '0' } },
  });
  try {
    const tensors = Object.entries(feeds).map(
      ([name, { type, data, dims }]) =>
        [name, new OrtTensor(type as 'float32', data as Float32Array, dims)] as const,
    );
    const results = await session.run(Object.fromEntries(tensors));
    return new Map(
      Object.entries(results).map(([name, { type, dims, data }]) => [
        name,
        { type, dims, data: data as TypedArray },
      ]),
    );
  } finally {
    await session.release();
  }
}
