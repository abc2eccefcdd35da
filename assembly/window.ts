/**
 * Sizes of a step that slides a window over x [batch, height, width, channels]: what convolutions
 * and poolings share. The host writes the fields, 32-bit words in this order, and passes their
 * address. It has checked that positions of taps fit 31 bits.
 */
@unmanaged
export class Window {
  batch: i32;
  height: i32;
  width: i32;
  channels: i32;
  outHeight: i32;
  outWidth: i32;
  outChannels: i32;
  kernelH: i32;
  kernelW: i32;
  strideH: i32;
  strideW: i32;
  dilationH: i32;
  dilationW: i32;
  padTop: i32;
  padLeft: i32;
  groups: i32;
  /** Of a pixel of y, which may have room for more than outChannels. */
  yChannels: i32;
}

/** Output pixels of all images. */
export function pixelsOf(window: Window): i32 {
  return window.batch * window.outHeight * window.outWidth;
}

/** The first tap that does not lie before the input; `origin` is the position of tap 0. */
export function firstTap(origin: i32, dilation: i32, kernel: i32): i32 {
  return origin >= 0 ? 0 : min((dilation - 1 - origin) / dilation, kernel);
}

/** One more than the last tap that does not lie behind the input. */
export function endTap(origin: i32, dilation: i32, kernel: i32, size: i32): i32 {
  return origin >= size ? 0 : min((size - 1 - origin) / dilation + 1, kernel);
}
