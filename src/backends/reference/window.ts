/**
 * Sliding windows along one spatial axis. Output position o has its first tap at
 * o · stride − padBefore, and tap k lies k · dilation further. Taps outside the input are padding.
 */

export interface WindowAxis {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBefore: number;
  /** Cells of the input along this axis. */
  readonly size: number;
}

interface WindowFields {
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padTop: number;
  readonly padLeft: number;
}

export function windowAxes(
  params: WindowFields,
  kernelH: number,
  kernelW: number,
  height: number,
  width: number,
): [WindowAxis, WindowAxis] {
  return [
    {
      kernel: kernelH,
      stride: params.strideH,
      dilation: params.dilationH,
      padBefore: params.padTop,
      size: height,
    },
    {
      kernel: kernelW,
      stride: params.strideW,
      dilation: params.dilationW,
      padBefore: params.padLeft,
      size: width,
    },
  ];
}

/** Input cell of the first tap; negative inside the padding. */
export function originOf(axis: WindowAxis, position: number): number {
  return position * axis.stride - axis.padBefore;
}

/** The first tap that lies on the input. */
export function firstTap(axis: WindowAxis, position: number): number {
  return Math.max(0, Math.ceil(-originOf(axis, position) / axis.dilation));
}

/** One more than the last tap that lies on the input; not above `firstTap` when none does. */
export function endTap(axis: WindowAxis, position: number): number {
  return Math.min(axis.kernel, Math.ceil((axis.size - originOf(axis, position)) / axis.dilation));
}
