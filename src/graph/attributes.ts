/** Reading and making attributes. A wrong kind is the model's fault and throws `INVALID_MODEL`. */
import { OctavoError } from '../core/errors.js';
import type { Tensor } from '../core/tensor.js';
import type { Attribute, Node } from './ir.js';

type Kind = Attribute['kind'];
type ValueOf<K extends Kind> = Extract<Attribute, { readonly kind: K }>['value'];

function read<K extends Kind>(node: Node, name: string, kind: K): ValueOf<K> | undefined {
  const attribute = node.attributes.get(name);
  if (attribute === undefined) return undefined;
  if (attribute.kind !== kind) {
    throw new OctavoError('INVALID_MODEL', `attribute '${name}' has the wrong kind`, {
      where: node.name,
      expected: kind,
      found: attribute.kind,
    });
  }
  return attribute.value as ValueOf<K> | undefined;
}

export function intOf(node: Node, name: string, fallback: number): number {
  return read(node, name, 'int') ?? fallback;
}

export function floatOf(node: Node, name: string, fallback: number): number {
  return read(node, name, 'float') ?? fallback;
}

export function stringOf(node: Node, name: string, fallback: string): string {
  return read(node, name, 'string') ?? fallback;
}

export function intsOf(node: Node, name: string): readonly number[] | undefined {
  return read(node, name, 'ints');
}

export function floatsOf(node: Node, name: string): readonly number[] | undefined {
  return read(node, name, 'floats');
}

export function stringsOf(node: Node, name: string): readonly string[] | undefined {
  return read(node, name, 'strings');
}

export function tensorOf(node: Node, name: string): Tensor | undefined {
  return read(node, name, 'tensor');
}

export const attribute = {
  int: (value: number): Attribute => ({ kind: 'int', value }),
  float: (value: number): Attribute => ({ kind: 'float', value: Math.fround(value) }),
  string: (value: string): Attribute => ({ kind: 'string', value }),
  tensor: (value: Tensor): Attribute => ({ kind: 'tensor', value }),
  ints: (value: readonly number[]): Attribute => ({ kind: 'ints', value: [...value] }),
  floats: (value: readonly number[]): Attribute => ({
    kind: 'floats',
    value: value.map(Math.fround),
  }),
  strings: (value: readonly string[]): Attribute => ({ kind: 'strings', value: [...value] }),
} as const;
