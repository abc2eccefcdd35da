/**
 * ONNX's node cases, opsets up to 28: each model is imported and exported, and onnxruntime-node gives the
 * same answers for the file as it came and as Octavo writes it. What import refuses is refused for one
 * of the reasons listed here.
 */
import { expect, test } from 'vitest';
import { OctavoError } from '../../src/core/errors.js';
import type { Tensor } from '../../src/core/tensor.js';
import { exportModel } from '../../src/onnx/export.js';
import { importModel } from '../../src/onnx/import.js';
import type { Model } from '../../src/onnx/model.js';
import { loadNodeCases, type NodeCase, noNodeCases } from '../helpers/nodeCases.js';
import { type OracleResult, runOnnxRuntime } from '../helpers/onnxruntime.js';

/** Cases that import may refuse, and why. */
const exclusions: readonly (readonly [string, RegExp, string])[] = [
  ['UNSUPPORTED_TYPE', /tensors of string/, 'Octavo has no strings'],
  ['UNSUPPORTED_TYPE', /tensors of float[48]e/, 'Octavo has no 8-bit and 4-bit floats'],
  ['UNSUPPORTED_TYPE', /not declared as a tensor/, 'Octavo has no sequences, maps and optionals'],
  ['UNSUPPORTED_OPERATOR', /training mode/, 'training forms are not imported'],
  ['UNSUPPORTED_OPERATOR', /sequence_lens/, 'Scan-8 has no equivalent in later opsets'],
  ['UNSUPPORTED_OPERATOR', /found opset 28/, 'opset 28 is not released'],
];

/** Types that onnxruntime-node can take and hand out. */
const plainTypes = new Set(['float32', 'float64', 'int8', 'uint8', 'int16', 'uint16', 'int32']);
for (const type of ['uint32', 'int64', 'uint64', 'bool']) plainTypes.add(type);

type Verdict = 'same' | 'refused' | 'not run';

async function judge({ name, model: bytes, inputs, outputs }: NodeCase): Promise<Verdict> {
  let model: Model;
  try {
    model = importModel(bytes);
  } catch (error) {
    const { code, message } = error as OctavoError;
    const listed = exclusions.some(([of, reason]) => of === code && reason.test(message));
    if (!(error instanceof OctavoError) || !listed) throw error;
    return 'refused';
  }
  const written = exportModel(model.graph, model.meta);
  const plain = [...inputs, ...outputs].every((t) => t !== undefined && plainTypes.has(t.type));
  if (!plain) return 'not run';
  const feeds = Object.fromEntries(
    model.graph.inputs.map((input, i) => [input, inputs[i]]),
  ) as Record<string, Tensor>;
  let before: Map<string, OracleResult>;
  try {
    before = await runOnnxRuntime(bytes, feeds, { optimize: false });
  } catch {
    return 'not run'; // onnxruntime-node has no kernel for the case as it came
  }
  const after = await runOnnxRuntime(written, feeds, { optimize: false });
  for (const [output, { type, dims, data }] of before) {
    const found = after.get(output);
    if (found?.type !== type || String(found.dims) !== String(dims)) throw new Error(name);
    for (let i = 0; i < data.length; i++) {
      const difference = Math.abs(Number(found.data[i]) - Number(data[i]));
      const tolerance = 1e-6 * Math.max(1, Math.abs(Number(data[i])));
      if (!Object.is(found.data[i], data[i]) && !(difference <= tolerance)) {
        throw new Error(`${output}[${i}] is ${found.data[i]} instead of ${data[i]}`);
      }
    }
  }
  return 'same';
}

test.skipIf(noNodeCases !== undefined)(
  noNodeCases === undefined ? 'every case' : `SKIPPED: ${noNodeCases}`,
  async () => {
    const counts = { same: 0, refused: 0, 'not run': 0 };
    const failures: string[] = [];
    for (const nodeCase of loadNodeCases()) {
      try {
        counts[await judge(nodeCase)]++;
      } catch (error) {
        failures.push(`${nodeCase.name}: ${String(error)}`);
      }
    }
    expect(failures).toEqual([]);
    expect(counts.same).toBeGreaterThan(1100);
  },
  180_000,
);
