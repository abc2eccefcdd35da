/**
 * What the graph knows of an operator: how many inputs and outputs it has, which opsets define the
 * form Octavo reads, and how its output types follow from its inputs. One file per family defines
 * operators in this form; ops/index collects them. How an operator is computed is not known here.
 */
import type { Tensor } from '../../core/tensor.js';
import type { Dim, Node, ValueType } from '../ir.js';

export interface InferContext {
  readonly node: Node;
  readonly opset: number;
  /** Type of input i; undefined when absent or unknown. */
  readonly input: (i: number) => ValueType | undefined;
  /** Input i when it is a constant. */
  readonly constant: (i: number) => Tensor | undefined;
  /**
   * Elements of input i, an integer tensor of rank 0 or 1 and of modest length, as far as they are
   * known: numbers, names of free dimensions, undefined. So shape arithmetic is followed through
   * Shape, Gather, Concat … even where a dimension is free. Undefined when nothing is known.
   */
  readonly contents: (i: number) => readonly Dim[] | undefined;
}

export interface OpDefinition {
  readonly op: string;
  readonly domain: string;
  /** First opset of the form described here; import upgrades older forms to it. */
  readonly since: number;
  /** Least and most inputs; the most may be Infinity. */
  readonly inputs: readonly [number, number];
  readonly outputs: readonly [number, number];
  /** Inputs that may be absent although they come before the last required one. */
  readonly optionalInputs?: readonly number[];
  /**
   * Types of the outputs, as far as they follow; undefined for what is unknown. Throws
   * `INVALID_GRAPH` when the inputs contradict the operator, naming the node.
   */
  readonly infer: (context: InferContext) => readonly (ValueType | undefined)[];
  /** Elements of the first output, for operators that shape arithmetic is made of. */
  readonly contents?: (context: InferContext) => readonly Dim[] | undefined;
}
