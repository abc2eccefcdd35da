/**
 * Transformer encoders with random weights, as exporters write them: LayerNormalization, GELU and attention in pieces,
 * batch 1, 128 tokens. `quantize` makes the INT8 form: activations quantized at run time.
 */
import { ModelBuilder } from './onnx.mjs';
import { generator, normal } from './random.mjs';

const tokens = 128;

class Encoder {
  #model = new ModelBuilder();
  #random;
  #width;
  #heads;

  constructor(name, width, heads) {
    this.#random = normal(generator(name));
    this.#width = width;
    this.#heads = heads;
  }

  #op(op, inputs, attributes) {
    return this.#model.node(op, inputs, attributes);
  }

  #scalar(value) {
    return this.#model.scalar('float32', value);
  }

  #vector(length, value) {
    return this.#model.constant('float32', [length], new Float32Array(length).fill(value));
  }

  #linear(x, inputs, outputs) {
    const deviation = 1 / Math.sqrt(inputs);
    const data = new Float32Array(inputs * outputs).map(() => this.#random() * deviation);
    const weight = this.#model.constant('float32', [inputs, outputs], data);
    const bias = new Float32Array(outputs).map(() => this.#random() * 0.03);
    const product = this.#op('MatMul', [x, weight]);
    return this.#op('Add', [product, this.#model.constant('float32', [outputs], bias)]);
  }

  #normalized(x) {
    const centred = this.#op('Sub', [x, this.#op('ReduceMean', [x], { axes: [-1] })]);
    const square = this.#op('Pow', [centred, this.#scalar(2)]);
    const variance = this.#op('ReduceMean', [square], { axes: [-1] });
    const deviation = this.#op('Sqrt', [this.#op('Add', [variance, this.#scalar(1e-12)])]);
    const normal = this.#op('Div', [centred, deviation]);
    const scaled = this.#op('Mul', [normal, this.#vector(this.#width, 1)]);
    return this.#op('Add', [scaled, this.#vector(this.#width, 0)]);
  }

  #gelu(x) {
    const erf = this.#op('Erf', [this.#op('Div', [x, this.#scalar(Math.SQRT2)])]);
    const gate = this.#op('Add', [erf, this.#scalar(1)]);
    return this.#op('Mul', [this.#op('Mul', [x, gate]), this.#scalar(0.5)]);
  }

  #shape(...dims) {
    return this.#model.constant('int64', [dims.length], BigInt64Array.from(dims, BigInt));
  }

  #split(x, perm) {
    const size = this.#width / this.#heads;
    const parts = this.#op('Reshape', [x, this.#shape(1, tokens, this.#heads, size)]);
    return this.#op('Transpose', [parts], { perm });
  }

  #attention(x) {
    const width = this.#width;
    const q = this.#split(this.#linear(x, width, width), [0, 2, 1, 3]);
    const k = this.#split(this.#linear(x, width, width), [0, 2, 3, 1]);
    const v = this.#split(this.#linear(x, width, width), [0, 2, 1, 3]);
    const scale = this.#scalar(Math.sqrt(width / this.#heads));
    const scores = this.#op('Div', [this.#op('MatMul', [q, k]), scale]);
    const mixed = this.#op('MatMul', [this.#op('Softmax', [scores], { axis: -1 }), v]);
    const joined = this.#op('Transpose', [mixed], { perm: [0, 2, 1, 3] });
    return this.#linear(this.#op('Reshape', [joined, this.#shape(1, tokens, width)]), width, width);
  }

  build(layers, hidden) {
    const width = this.#width;
    let x = this.#model.input('x', 'float32', [1, tokens, width]);
    for (let i = 0; i < layers; i++) {
      x = this.#normalized(this.#op('Add', [x, this.#attention(x)]));
      const inner = this.#gelu(this.#linear(x, width, hidden));
      x = this.#normalized(this.#op('Add', [x, this.#linear(inner, hidden, width)]));
    }
    this.#model.output(x, 'float32', [1, tokens, width]);
    return this.#model.bytes();
  }
}

function task(name, layers, width, heads, hidden) {
  const random = generator(`${name} tokens`);
  return {
    name,
    get model() {
      return new Encoder(name, width, heads).build(layers, hidden);
    },
    dynamic: true,
    input: 'x',
    dims: [1, tokens, width],
    calibration: async () => ({
      count: 8,
      input: () => new Float32Array(tokens * width).map(() => random() * 4 - 2),
    }),
  };
}

export const encoders = [
  task('MiniLM-L6 384 seq128 b1', 6, 384, 12, 1536),
  task('BERT-base L12 768 seq128 b1', 12, 768, 12, 3072),
];
