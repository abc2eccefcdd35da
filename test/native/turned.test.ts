/**
 * Constants that the addon turns itself: as parts of a model whose elements lie the other way round, they lead to the
 * same bits as the block in which they lie as they are read.
 */
import { describe, expect, it } from 'vitest';
import { type DataType, type TypedArray, viewOf } from '../../src/core/dtype.js';
import { elementCount } from '../../src/core/shape.js';
import { Turned } from '../../src/core/turned.js';
import { type ConstantParts, tensorSlack } from '../../src/runtime/plan.js';
import { createRandom, type Random } from '../helpers/random.js';
import type { TestPlan } from '../helpers/singleStep.js';
import { suites } from '../suites/index.js';
import { drawProblem } from '../suites/problem.js';
import { nativeBackends } from './contenders.js';

const wholeBytes = new Set<DataType>([
  'float32',
  'float16',
  'int8',
  'uint8',
  'int16',
  'int32',
  'int64',
]);

function divisorOf(random: Random, count: number): number {
  return random.pick(Array.from({ length: count }, (_, i) => i + 1).filter((n) => count % n === 0));
}

/** The model's constants one by one, each of them turned in a way of its own. */
function turnedParts(random: Random, { model, tensors }: TestPlan): ConstantParts {
  const offsets: number[] = [];
  const data: (TypedArray | Turned)[] = [];
  for (const { type, dims, space, offset } of tensors) {
    const count = elementCount(dims);
    if (space !== 'model' || count === 0 || offset < (offsets.at(-1) ?? -1) + 1) continue;
    const wanted = viewOf(type, model.buffer, offset, count);
    offsets.push(offset);
    if (!wholeBytes.has(type)) {
      data.push(wanted);
      continue;
    }
    const batches = divisorOf(random, Math.min(count, 64) === count ? count : 1);
    const rows = divisorOf(random, count / batches);
    const columns = count / batches / rows;
    const source = new Turned(type, wanted, { batches, rows: columns, columns: rows }).data;
    data.push(new Turned(type, source, { batches, rows, columns }));
  }
  return { bytes: model.length, offsets: Float64Array.from(offsets), data };
}

describe('turned constants', () => {
  const [backend] = nativeBackends(1);
  const taking = suites.filter((suite) =>
    [0, 1, 2, 3].some((index) => drawProblem(suite, index).plan.model.length > tensorSlack),
  );

  it.runIf(backend).each(taking.map((suite) => [suite.name, suite] as const))('%s', (_, suite) => {
    for (let index = 0; index < 20; index++) {
      const { plan, inputs, seed } = drawProblem(suite, index);
      const answers = [plan.model, turnedParts(createRandom(seed), plan)].map((constants) => {
        const model = backend!.open(constants);
        try {
          return model.prepare(plan).runSync(inputs);
        } finally {
          model.dispose();
        }
      });
      expect(answers[1], `problem ${index}`).toEqual(answers[0]);
    }
  });
});
