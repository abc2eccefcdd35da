/**
 * The shapes that kernels are measured on, by the names under which figures are kept: GEMMs as m x n x k, and the
 * convolutions of ResNet-50 and MobileNetV2 as "window stride inputs->outputs @size". Padding is half the window, and
 * multiplications with it count as operations.
 */

/**
 * @typedef {object} Case a convolution; a GEMM is one with a 1×1 window over m pixels
 * @property {string} name
 * @property {'gemm' | 'conv'} kind
 * @property {number} height @property {number} width of the input
 * @property {number} inputs @property {number} outputs channels
 * @property {number} window @property {number} stride @property {number} pad
 * @property {number} groups
 * @property {number} outHeight @property {number} outWidth
 * @property {number} ops
 */

const gemms = [
  [1, 1024, 1024],
  [1, 4096, 4096],
  [16, 1024, 1024],
  [128, 768, 768],
  [128, 3072, 768],
  [128, 768, 3072],
  [512, 512, 512],
  [1024, 1024, 1024],
  [2048, 2048, 2048],
];

const convs = [
  '3x3 s1 64->64 @56',
  '3x3 s1 128->128 @28',
  '3x3 s1 256->256 @14',
  '3x3 s1 512->512 @7',
  '3x3 s2 128->128 @56',
  '1x1 64->256 @56',
  '1x1 256->64 @56',
  '1x1 1024->256 @14',
  '1x1 512->2048 @7',
  '7x7 s2 3->64 @224',
  '3x3 s2 3->32 @224',
  '1x1 16->96 @112 (mbv2)',
  '1x1 96->24 @56 (mbv2)',
  '1x1 64->384 @14 (mbv2)',
  '1x1 320->1280 @7 (mbv2)',
  'dw3x3 s1 96 @112',
  'dw3x3 s2 96 @112',
  'dw3x3 s1 144 @56',
  'dw3x3 s1 384 @14',
  'dw3x3 s1 576 @14',
  'dw3x3 s1 960 @7',
];

/** All cases, `gemm MxNxK` and `conv …`. @type {readonly Case[]} */
export const cases = [...gemms.map(gemm), ...convs.map((text) => conv(text))];

/** @returns {Case} */
export function gemm([m, n, k]) {
  return makeCase(`gemm ${m}x${n}x${k}`, 'gemm', {
    height: 1,
    width: m,
    inputs: k,
    outputs: n,
    window: 1,
    stride: 1,
    groups: 1,
  });
}

/** Reads a name of the list above. @returns {Case} */
export function conv(text) {
  const form = /^(dw)?(\d+)x\2(?: s(\d))? (?:(\d+)->)?(\d+) @(\d+)/;
  const [, depthwise, window, stride = '1', inputs, outputs, size] = form.exec(text);
  return makeCase(`conv ${text}`, 'conv', {
    height: Number(size),
    width: Number(size),
    inputs: Number(inputs ?? outputs),
    outputs: Number(outputs),
    window: Number(window),
    stride: Number(stride),
    groups: depthwise === undefined ? 1 : Number(outputs),
  });
}

function makeCase(name, kind, shape) {
  const pad = shape.window >> 1;
  const out = (size) => Math.floor((size + 2 * pad - shape.window) / shape.stride) + 1;
  const outHeight = kind === 'gemm' ? 1 : out(shape.height);
  const outWidth = out(shape.width);
  const depth = (shape.inputs / shape.groups) * shape.window ** 2;
  const ops = 2 * outHeight * outWidth * shape.outputs * depth;
  return { name, kind, ...shape, pad, outHeight, outWidth, ops };
}
