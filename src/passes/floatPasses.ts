/**
 * Clean-up of a float graph, as it comes from an exporter: the same for quantization and for running.
 * Whatever it does, the graph stays ordinary ONNX with the same inputs and outputs.
 */
import type { Graph } from '../graph/ir.js';
import { plainActivations } from './activation.js';
import { foldIntoWeights, splitBatchNorms } from './affine.js';
import { constantFolding } from './constantFolding.js';
import { deadCode } from './deadCode.js';
import { recogniseGelu } from './gelu.js';
import { recogniseHardSigmoid, recogniseHardSwish } from './hardSwish.js';
import { dropIdentities } from './identity.js';
import { recogniseLayerNorm } from './layerNorm.js';
import { type Pass, runPasses } from './pass.js';
import { widenHalves } from './widenHalves.js';

export const floatPasses: readonly Pass[] = [
  constantFolding(),
  dropIdentities,
  plainActivations,
  // Before HardSigmoid: what gates its own input is a HardSwish.
  recogniseHardSwish,
  recogniseHardSigmoid,
  recogniseGelu,
  recogniseLayerNorm,
  // A dead reader, left over from these, would keep a Clip or a Conv from being the only one's.
  deadCode,
  plainActivations,
  foldIntoWeights,
  splitBatchNorms,
  deadCode,
];

/** A float graph, cleaned up: what quantizers begin with. */
export function cleanFloatGraph(graph: Graph): Graph {
  return runPasses(widenHalves(graph), floatPasses);
}
