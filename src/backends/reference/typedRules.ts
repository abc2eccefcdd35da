/** The rules of steps that ./typed computes. */
import { broadcastShapes } from '../../core/shape.js';
import { arithmeticOn } from '../../numerics/arithmetic.js';
import { arithmeticKinds, comparisonKinds, nameOfKind } from '../../runtime/kinds.js';
import { checkBroadcast, needKind, needSame, needSameType, numbers, wholeBytes } from './needs.js';
import type { Rule } from './rules.js';

type TypedStep = 'Arithmetic' | 'Compare' | 'Where' | 'Expand';

export const typedRules: { readonly [S in TypedStep]: Rule<S> } = {
  Arithmetic: {
    reads: [numbers, numbers],
    writes: [numbers],
    check: (subject) => {
      const { outputs, params, need } = subject;
      checkBroadcast(subject);
      needSameType(subject);
      needKind(need, params.kind, arithmeticKinds);
      const { type } = outputs[0]!;
      const name = nameOfKind(arithmeticKinds, params.kind);
      need(arithmeticOn(name, type) !== undefined, `a type with ${name}`, type);
    },
  },
  Compare: {
    reads: [numbers, numbers],
    writes: [['bool']],
    check: (subject) => {
      const { inputs, params, need } = subject;
      checkBroadcast(subject);
      need(inputs[0]!.type === inputs[1]!.type, inputs[0]!.type, inputs[1]!.type);
      needKind(need, params.kind, comparisonKinds);
    },
  },
  Where: {
    reads: [['bool'], wholeBytes, wholeBytes],
    writes: [wholeBytes],
    check: ({ inputs, outputs, need }) => {
      const [condition, a, b] = inputs.map((input) => input!.dims);
      const dims = broadcastShapes(broadcastShapes(condition!, a!), b!);
      needSame(need, outputs[0]!.dims, dims);
      needSameType({ inputs, outputs, need }, inputs.slice(1));
    },
  },
  Expand: {
    reads: [wholeBytes],
    writes: [wholeBytes],
    check: (subject) => {
      const { inputs, outputs, need } = subject;
      needSameType(subject);
      needSame(need, broadcastShapes(inputs[0]!.dims, outputs[0]!.dims), outputs[0]!.dims);
    },
  },
};
