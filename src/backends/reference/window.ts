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

/** The first tap that does not lie before the input. */
export function firstTap(axis: WindowAxis, position: number): number {
  const origin = originOf(axis, position);
  let tap = 0;
  while (tap < axis.kernel && origin + tap * axis.dilation < 0) tap++;
  return tap;
}

/**
 * One more than the last tap that does not lie behind the input; not above `firstTap` when none is
 * on it.
 */
export function endTap(axis: WindowAxis, position: number): number {
  const origin = originOf(axis, position);
  let end = axis.kernel;
  while (end > 0 && origin + (end - 1) * axis.dilation >= axis.size) end--;
  return end;
}
