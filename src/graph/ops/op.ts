/**
 * What the graph knows of an operator: how many inputs and outputs it has, which opsets define the
 * form Octavo reads, and how its output types follow from its inputs. One file per family defines
 * operators in this form; ops/index collects them. How an operator is computed is not known here.
 */
import type { Tensor } from '../../core/tensor.js';
import type { Node, ValueType } from '../ir.js';

export interface InferContext {
  readonly node: Node;
  readonly opset: number;
  /** Type of input i; undefined when absent or unknown. */
  readonly input: (i: number) => ValueType | undefined;
  /** Input i when it is a constant. */
  readonly constant: (i: number) => Tensor | undefined;
}

export interface OpDefinition {
  readonly op: string;
  readonly domain: string;
  /** First opset of the form described here; import upgrades older forms to it. */
  readonly since: number;
  /** Least and most inputs; the most may be Infinity. */
  readonly inputs: readonly [number, number];
  readonly outputs: readonly [number, number];
  /**
   * Types of the outputs, as far as they follow; undefined for what is unknown. Throws
   * `INVALID_GRAPH` when the inputs contradict the operator, naming the node.
   */
  readonly infer: (context: InferContext) => readonly (ValueType | undefined)[];
}
