/**
 * What a type costs and gains: for each type that Octavo multiplies, its accumulator, its rate relative to float32 of the same
 * backend on a product that is bound by arithmetic and on one that is bound by memory, and its size. One operator a type, as a
 * session would run it. What a backend leaves to TypeScript, or lacks, is said to be not there.
 */
import { createNativeBackend } from '../dist/esm/backends/native/index.js';
import { createWasmBackend } from '../dist/esm/backends/wasm/index.js';
import { encodeBfloat16 } from '../dist/esm/core/half.js';
import { OctavoError } from '../dist/esm/index.js';
import { isStepName } from '../dist/esm/runtime/steps.js';
import { gemm } from './cases.mjs';
import { drawLayer, floatLayer, floatPlan, int8Plan } from './layer.mjs';
import { peakFor } from './native.mjs';
import { planContender, singleStepPlan } from './plan.mjs';
import { makeRows } from './rows.mjs';
import { takeTurns } from './timing.mjs';

const blockSize = 32;

/**
 * Types of weights, the first the one that others are relative to. `bits` of a weight, its share of a block's scale included;
 * `plan(shape)` gives { plan, constants } and inputs, or undefined where the operator does not exist; `peak`: the register
 * loop.
 */
const types = [
  { name: 'fp32', accumulator: 'fp32', bits: 32, peak: 'f32', make: makeFloat },
  {
    name: 'fp16',
    accumulator: 'fp32',
    bits: 16,
    make: (shape) => makeHalf(shape, 'float16', 0x2e00),
  },
  {
    name: 'bf16',
    accumulator: 'fp32',
    bits: 16,
    make: (shape) => makeHalf(shape, 'bfloat16', 0x3dc0),
  },
  {
    name: 'bf16×bf16',
    accumulator: 'fp32',
    bits: 16,
    peak: 'bf16',
    make: (shape) => makeHalf(shape, 'bfloat16', 0x3dc0, 'bfloat16'),
  },
  { name: 'int16', accumulator: 'int64', bits: 16, peak: 's16s16s32', make: makeInt16 },
  { name: 'int8', accumulator: 'int32', bits: 8, peak: 'u8s8s32', make: makeInt8 },
  { name: 'int4w', accumulator: 'int32', bits: 4 + 32 / blockSize, make: makeInt4 },
  { name: 'int1', accumulator: 'int32', bits: 1, make: makeInt1 },
];

const sizes = {
  native: [
    [1024, 1024, 1024],
    [1, 4096, 4096],
  ],
  wasm: [
    [512, 512, 512],
    [1, 1024, 1024],
  ],
};

export async function run({ filter, threads, isa }) {
  const backends = [createNativeBackend({ isa, threads })];
  // Its instruction sets are others, and it has one thread.
  if (isa === undefined && threads === 1) backends.push(createWasmBackend());
  const rows = [];
  for (const backend of backends) {
    const columns = [];
    for (const size of sizes[backend.name]) columns.push(await measureSize(size, backend, filter));
    print(backend, columns);
    rows.push(...columns.flatMap((column) => column.rows));
  }
  return { rows };
}

async function measureSize(size, backend, filter) {
  const shape = gemm(size);
  const caseOf = ({ name }) => `${shape.name} ${name}`;
  const wanted = types.filter((type, i) => i === 0 || filter.test(caseOf(type)));
  const found = [];
  for (const type of wanted) {
    const contender = open(type, shape, backend);
    const peak = backend.name === 'native' && type.peak && peakFor(type.peak, backend.isa);
    if (contender !== undefined) found.push({ type, contender, peak: peak || undefined });
  }
  const contenders = found.flatMap(({ contender, peak }) =>
    peak ? [contender, peak] : [contender],
  );
  const { times, rounds } = await takeTurns(contenders, { budget: 400 * contenders.length });
  const timeOf = (contender) => times[contenders.indexOf(contender)];
  const speeds = new Map();
  for (const { type, contender } of found) speeds.set(type.name, shape.ops / timeOf(contender));
  const rows = found.flatMap(({ type, peak }) => {
    const peers = ['fp32', 'int8']
      .filter((name) => name !== type.name && speeds.has(name))
      .map((name) => ({ peer: `octavo ${name}`, peerValue: speeds.get(name) }));
    const measured = {
      suite: 'precision',
      case: caseOf(type),
      backend: backend.name,
      isa: backend.isa,
      threads: backend.threads,
      metric: 'gops',
      value: speeds.get(type.name),
      peak: peak && peak.amount / timeOf(peak),
      rounds,
    };
    return makeRows(measured, peers);
  });
  for (const contender of contenders) contender.close?.();
  return { shape, wanted, speeds, rows };
}

/** The type's operator on a shape; undefined where it is not there. */
function open({ name, make }, shape, backend) {
  const made = make(shape);
  if (made === undefined) return undefined;
  let contender;
  try {
    contender = planContender(name, made, made.inputs, backend);
  } catch (error) {
    if (error instanceof OctavoError && error.code === 'BACKEND_FAILURE') return undefined;
    throw error;
  }
  if (contender.slow.length === 0) return contender;
  contender.close();
  return undefined;
}

function print({ name, isa, threads }, columns) {
  console.log(`\n${name}, ${isa}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`);
  const head = columns.map(({ shape }) => shape.name.padStart(26)).join('');
  console.log(`${'type'.padEnd(10)}${'accumulator'.padEnd(13)}${'size'.padStart(8)}${head}`);
  for (const { name: type, accumulator, bits } of types) {
    if (!columns.some(({ wanted }) => wanted.some((one) => one.name === type))) continue;
    const cells = columns.map(({ speeds }) => {
      const speed = speeds.get(type);
      if (speed === undefined) return 'not there'.padStart(26);
      const rate = (speed / speeds.get('fp32')).toFixed(2);
      return `${speed.toFixed(1).padStart(13)} GOP/s ${rate.padStart(5)}×`;
    });
    const size = `${((100 * bits) / 32).toFixed(1)} %`.padStart(8);
    console.log(`${type.padEnd(10)}${accumulator.padEnd(13)}${size}${cells.join('')}`);
  }
}

function makeFloat(shape) {
  const layer = floatLayer(drawLayer(shape));
  return { ...floatPlan(shape, layer), inputs: [layer.x] };
}

function makeInt8(shape) {
  const layer = drawLayer(shape);
  return { ...int8Plan(shape, layer), inputs: [layer.x] };
}

/** Weights in 16 bits of float: `bits` and the 64 codes above it are small normal numbers. x is of `xType`. */
function makeHalf({ width, inputs, outputs }, type, bits, xType = 'float32') {
  const weight = new Uint16Array(outputs * inputs).map((_, i) => bits + ((i * 37) & 63));
  const values = new Float32Array(width * inputs).map((_, i) => ((i * 31) % 251) / 251 - 0.5);
  const x = xType === 'float32' ? values : encodeBfloat16(values);
  return {
    ...singleStepPlan(
      'MatMul',
      [
        { type: xType, dims: [width, inputs] },
        { type, dims: [outputs, inputs], data: weight },
      ],
      [{ type: 'float32', dims: [width, outputs] }],
      { transposeB: 1 },
    ),
    inputs: [x],
  };
}

function makeInt16({ width, inputs, outputs }) {
  if (!isStepName('MatMulInt16')) return undefined;
  const weight = new Int16Array(outputs * inputs).map((_, i) => (i * 7919) & 0xffff);
  const x = new Int16Array(width * inputs).map((_, i) => (i * 104729) & 0xffff);
  return {
    ...singleStepPlan(
      'MatMulInt16',
      [
        { type: 'int16', dims: [width, inputs] },
        { type: 'int16', dims: [outputs, inputs], data: weight },
        { type: 'float32', dims: [outputs], data: new Float32Array(outputs).fill(1e-7) },
        undefined,
      ],
      [{ type: 'int16', dims: [width, outputs] }],
      { min: -32768, max: 32767 },
    ),
    inputs: [x],
  };
}

function makeInt4({ width, inputs, outputs }) {
  if (!isStepName('MatMulInt4')) return undefined;
  const blocks = inputs / blockSize;
  const weight = new Uint8Array((outputs * inputs) / 2).map((_, i) => i * 7919);
  const scale = new Float32Array(outputs * blocks).fill(0.01);
  const x = new Int8Array(width * inputs).map((_, i) => i * 31);
  return {
    ...singleStepPlan(
      'MatMulInt4',
      [
        { type: 'int8', dims: [width, inputs] },
        { type: 'float32', dims: [width], data: new Float32Array(width).fill(0.01) },
        { type: 'uint8', dims: [outputs, blocks, blockSize / 2], data: weight },
        { type: 'float32', dims: [outputs, blocks], data: scale },
        undefined,
        undefined,
      ],
      [{ type: 'float32', dims: [width, outputs] }],
      { blockSize },
    ),
    inputs: [x],
  };
}

function makeInt1({ width, inputs, outputs }) {
  if (!isStepName('MatMulInt1')) return undefined;
  const bits = (count, factor) => new Uint8Array(count / 8).map((_, i) => i * factor);
  return {
    ...singleStepPlan(
      'MatMulInt1',
      [
        { type: 'int1', dims: [width, inputs] },
        { type: 'int1', dims: [outputs, inputs], data: bits(outputs * inputs, 7919) },
        undefined,
        undefined,
      ],
      [{ type: 'int32', dims: [width, outputs] }],
    ),
    inputs: [bits(width * inputs, 31)],
  };
}
