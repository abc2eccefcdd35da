/** Conv: dense and grouped (assembly/f32conv.ts), and depthwise (assembly/f32depthwise.ts). */
import { declined, floatConstant, type WasmKernel } from './kernel.js';
import {
  floatBlock,
  keepTable,
  packFloatDepthwise,
  packFloatPanels,
  panelColumns,
  roundUp,
  tableLength,
} from './pack.js';
import { depthwiseParts, dimsOf, keepWindow, pixelsOf, resultsOf, tileGrain } from './window.js';

export const conv: WasmKernel<'Conv'> = (step, context) => {
  const { inputs, outputs, params } = step;
  const { constant, exports, memory, operand, tensors } = context;
  const weights = floatConstant(context, inputs[1]);
  if (weights === undefined || tensors[inputs[2] ?? -1]?.space === 'arena') {
    return declined('weights or a bias that are computed');
  }
  const { groups, lower, upper } = params;
  const [outChannels, kernelH, kernelW, channels] = dimsOf(tensors[inputs[1]!]!);
  const window = keepWindow(step, params, kernelH, kernelW, groups, context, outChannels);
  if (typeof window !== 'number') return window;

  const taps = kernelH * kernelW;
  const isDepthwise = channels === 1 && groups === outChannels && groups > 1;
  const shape = { groups, columns: outChannels / groups, depth: taps * channels };
  const length = isDepthwise
    ? roundUp(outChannels, floatBlock) * taps
    : tableLength(shape, panelColumns) * shape.depth;
  const form = `${isDepthwise ? 'depthwise' : 'panels'} of float32, ${Object.values(shape)}`;
  const packed = context.share(inputs[1]!, form, 4 * length, (address) => {
    const to = new Float32Array(memory.buffer, address, length);
    if (isDepthwise) packFloatDepthwise(to, weights, taps);
    else packFloatPanels(to, weights, shape);
  });
  const columns = isDepthwise ? { groups: 1, columns: outChannels } : shape;
  const values = constant<Float32Array>(inputs[2]);
  const unit = isDepthwise ? floatBlock : panelColumns;
  const bias = keepTable(values, Float32Array, columns, unit, context);
  const y = tensors[outputs[0]!]!;
  const [from, to] = [operand(inputs[0]), resultsOf(step, context)];
  if (isDepthwise) {
    const scratch = exports.depthwiseFloatScratch(window) >>> 0;
    const parts = { ...depthwiseParts(y, outChannels, taps), scratch };
    const run = context.overParts('depthwiseFloat', parts);
    return (at) => run(window, from(at), packed, bias, to(at), lower, upper);
  }
  const pixels = pixelsOf(y);
  const run = context.overParts('conv', {
    ...{ units: pixels, grain: tileGrain, work: 4 * pixels * weights.length },
    scratch: exports.convScratch(window) >>> 0,
  });
  return (at) => run(window, from(at), packed, bias, to(at), lower, upper);
};
