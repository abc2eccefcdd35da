/** Float convolution. Products are summed in double, in the order row, column, channel, then the bias. */
import { bounded } from './arithmetic.js';
import { dimsOf, elementsOf, optionalElementsOf, type StepKernel } from './kernel.js';
import { endTap, firstTap, originOf, windowAxes } from './window.js';

const { fround } = Math;

export const conv: StepKernel<'Conv'> = ({ inputs, outputs, params }, memory) => {
  const x = elementsOf<'float32'>(memory, inputs[0]);
  const weight = elementsOf<'float32'>(memory, inputs[1]);
  const bias = optionalElementsOf<'float32'>(memory, inputs[2]);
  const y = elementsOf<'float32'>(memory, outputs[0]);
  const [batch, height, width, channels] = dimsOf(memory, inputs[0]) as [
    number,
    number,
    number,
    number,
  ];
  const [, kernelH, kernelW, depth] = dimsOf(memory, inputs[1]) as [number, number, number, number];
  const [, outHeight, outWidth, outChannels] = dimsOf(memory, outputs[0]) as [
    number,
    number,
    number,
    number,
  ];
  const { dilationH, dilationW, lower, upper } = params;
  const perGroup = outChannels / params.groups;
  const [rows, columns] = windowAxes(params, kernelH, kernelW, height, width);

  let at = 0;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const top = originOf(rows, oy);
      const firstY = firstTap(rows, oy);
      const endY = endTap(rows, oy);
      for (let ox = 0; ox < outWidth; ox++) {
        const left = originOf(columns, ox);
        const firstX = firstTap(columns, ox);
        const endX = endTap(columns, ox);
        for (let o = 0; o < outChannels; o++) {
          const firstChannel = Math.floor(o / perGroup) * depth;
          let sum = 0;
          for (let ky = firstY; ky < endY; ky++) {
            for (let kx = firstX; kx < endX; kx++) {
              const row = n * height + top + ky * dilationH;
              const from = (row * width + left + kx * dilationW) * channels + firstChannel;
              const weightFrom = ((o * kernelH + ky) * kernelW + kx) * depth;
              for (let c = 0; c < depth; c++) sum += x[from + c]! * weight[weightFrom + c]!;
            }
          }
          if (bias !== undefined) sum += bias[o]!;
          y[at++] = bounded(fround(sum), lower, upper);
        }
      }
    }
  }
};
