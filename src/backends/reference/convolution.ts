/**
 * The walk that quantized and float convolution share: every output pixel, and for each the taps
 * that lie on the input. Taps that follow each other in x and in the weights alike are joined to
 * one run: those of a row, unless they are spread by a dilation or divided into groups.
 */
import type { Shape } from '../../core/shape.js';
import type { StepParams } from '../../runtime/steps.js';
import { endTap, firstTap, originOf, windowAxes } from './window.js';

type Four = [number, number, number, number];

export interface Runs {
  /** A pixel begins. */
  readonly begin: () => void;
  /**
   * Every output channel takes `length` products: of x from `xFrom`, moved on to the channels of
   * its group, and of its own weights from `weightFrom`, counted from its first.
   */
  readonly add: (xFrom: number, weightFrom: number, length: number) => void;
  /** Pixel number `pixel` is complete. */
  readonly end: (pixel: number) => void;
}

/** Walks a convolution of x [N, H, W, C] with weights [O, KH, KW, C / groups] to y [N, H, W, O]. */
export function forEachPixel(
  xDims: Shape,
  weightDims: Shape,
  yDims: Shape,
  params: StepParams<'QConv' | 'QConvDynamic' | 'Conv'>,
  { begin, add, end }: Runs,
): void {
  const [batch, height, width, channels] = xDims as Four;
  const [, kernelH, kernelW, depth] = weightDims as Four;
  const [, outHeight, outWidth] = yDims as Four;
  const { groups, dilationH, dilationW } = params;
  const [rows, columns] = windowAxes(params, kernelH, kernelW, height, width);
  const joined = dilationW === 1 && groups === 1;

  let pixel = 0;
  for (let n = 0; n < batch; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      const firstY = firstTap(rows, oy);
      const endY = endTap(rows, oy);
      for (let ox = 0; ox < outWidth; ox++) {
        const firstX = firstTap(columns, ox);
        const endX = endTap(columns, ox);
        const taps = joined ? endX - firstX : 1;
        begin();
        for (let ky = firstY; ky < endY; ky++) {
          const row = n * height + originOf(rows, oy) + ky * dilationH;
          for (let kx = firstX; kx < endX; kx += taps) {
            const from = (row * width + originOf(columns, ox) + kx * dilationW) * channels;
            const weightFrom = (ky * kernelW + kx) * depth;
            add(from, weightFrom, taps * depth);
          }
        }
        end(pixel++);
      }
    }
  }
}
