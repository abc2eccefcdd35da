/**
 * The networks whose layers are the shapes of cases.mjs, with random weights, distributed as those of a trained network roughly are: these
 * need no data. Batch 1, 224², as tasks in the form of datasets.mjs.
 */
import { ModelBuilder } from './onnx.mjs';
import { generator, normal } from './random.mjs';

const size = 224;
const classes = 1000;

/** A network that grows layer by layer; `x` are values with their channels and height. */
class Network {
  #model = new ModelBuilder();
  #random;

  constructor(name) {
    this.#random = normal(generator(name));
  }

  /** Numbers with the variance that keeps a signal's from layer to layer. */
  #weights(dims, depth) {
    const deviation = Math.sqrt(2 / depth);
    const data = new Float32Array(dims.reduce((a, b) => a * b));
    return this.#model.constant(
      'float32',
      dims,
      data.map(() => this.#random() * deviation),
    );
  }

  input() {
    return {
      value: this.#model.input('x', 'float32', [1, 3, size, size]),
      channels: 3,
      height: size,
    };
  }

  conv({ value, channels, height }, outputs, window, stride, { groups = 1, activation } = {}) {
    const pad = window >> 1;
    const depth = (channels / groups) * window ** 2;
    const weight = this.#weights([outputs, channels / groups, window, window], depth);
    const bias = this.#weights([outputs], 600);
    const y = this.#model.node('Conv', [value, weight, bias], {
      kernel_shape: [window, window],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group: groups,
    });
    const out = { channels: outputs, height: Math.floor((height + 2 * pad - window) / stride) + 1 };
    return { value: this.#activate(y, activation), ...out };
  }

  #activate(value, activation) {
    if (activation === 'relu') return this.#model.node('Relu', [value]);
    if (activation !== 'relu6') return value;
    const bounds = [this.#model.scalar('float32', 0), this.#model.scalar('float32', 6)];
    return this.#model.node('Clip', [value, ...bounds]);
  }

  add(a, b, activation) {
    return { ...a, value: this.#activate(this.#model.node('Add', [a.value, b.value]), activation) };
  }

  maxPool({ value, channels, height }) {
    const attributes = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
    return {
      value: this.#model.node('MaxPool', [value], attributes),
      channels,
      height: height / 2,
    };
  }

  /** Mean over the pixels and one fully connected layer: the file. */
  finish({ value, channels }) {
    const mean = this.#model.node('GlobalAveragePool', [value]);
    const flat = this.#model.node('Flatten', [mean]);
    const weight = this.#weights([classes, channels], channels);
    const y = this.#model.node('Gemm', [flat, weight, this.#weights([classes], 600)], {
      transB: 1,
    });
    this.#model.output(y, 'float32', [1, classes]);
    return this.#model.bytes();
  }
}

/** Widening, outputs, repeats and first stride of MobileNetV2's blocks, and width, repeats and first stride of ResNet-50's. */
const mobileBlocks = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];
const residualStages = [
  [64, 3, 1],
  [128, 4, 2],
  [256, 6, 2],
  [512, 3, 2],
];

function mobileNetV2() {
  const net = new Network('MobileNetV2');
  const activation = 'relu6';
  let x = net.conv(net.input(), 32, 3, 2, { activation });
  for (const [factor, outputs, repeats, firstStride] of mobileBlocks) {
    for (let i = 0; i < repeats; i++) {
      const from = x;
      const stride = i === 0 ? firstStride : 1;
      const hidden = x.channels * factor;
      if (factor > 1) x = net.conv(x, hidden, 1, 1, { activation });
      x = net.conv(x, hidden, 3, stride, { groups: hidden, activation });
      x = net.conv(x, outputs, 1, 1);
      if (stride === 1 && from.channels === outputs) x = net.add(from, x);
    }
  }
  return net.finish(net.conv(x, 1280, 1, 1, { activation }));
}

function resNet50() {
  const net = new Network('ResNet-50');
  const activation = 'relu';
  let x = net.maxPool(net.conv(net.input(), 64, 7, 2, { activation }));
  for (const [width, repeats, firstStride] of residualStages) {
    for (let i = 0; i < repeats; i++) {
      const stride = i === 0 ? firstStride : 1;
      let y = net.conv(x, width, 1, 1, { activation });
      y = net.conv(y, width, 3, stride, { activation });
      y = net.conv(y, width * 4, 1, 1);
      const shortcut = i === 0 ? net.conv(x, width * 4, 1, stride) : x;
      x = net.add(y, shortcut, activation);
    }
  }
  return net.finish(x);
}

function task(name, build) {
  const random = generator(`${name} pictures`);
  return {
    name,
    get model() {
      return build();
    },
    input: 'x',
    dims: [1, 3, size, size],
    calibration: async () => ({
      count: 8,
      input: () => new Float32Array(3 * size * size).map(() => random() * 4 - 2),
    }),
  };
}

export const networks = [
  task('MobileNetV2 224 b1', mobileNetV2),
  task('ResNet-50 224 b1', resNet50),
];
